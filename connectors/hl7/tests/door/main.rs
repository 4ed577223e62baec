//! The MLLP door over TCP on loopback, with the embedded log behind it. The numbers in the names of modules are those
//! of the catalogue of bad inputs.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod charset;
#[cfg(test)]
mod client;
#[cfg(test)]
mod durable;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod support;
