//! The door over the real log and the real store, with real clients: ours, DCMTK's, and raw sockets for those that lie.

#[cfg(test)]
mod dcmtk;
#[cfg(test)]
mod files;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod storing;
#[cfg(test)]
mod support;
#[cfg(test)]
#[path = "../../src/testing.rs"]
mod testing;
