//! The MLLP door over TCP on loopback, with the embedded log behind it. A number in the
//! name of a test is that of a row of the table in this crate's README.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod charset;
#[cfg(test)]
mod client;
#[cfg(test)]
mod durable;
#[cfg(test)]
mod files;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
