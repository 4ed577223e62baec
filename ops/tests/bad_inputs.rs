//! What a hub answers to what should not be sent to it: each row of the catalogue of bad inputs is a test on the real
//! binary, through a real socket, and carries the number of its row in its name.

#[cfg(test)]
#[path = "bad/connection.rs"]
mod connection;
#[cfg(test)]
#[path = "bad/content.rs"]
mod content;
#[cfg(test)]
#[path = "bad/encoding.rs"]
mod encoding;
#[cfg(test)]
#[path = "bad/framing.rs"]
mod framing;
#[cfg(test)]
#[path = "bad/hub.rs"]
mod hub;
#[cfg(test)]
#[path = "bad/late.rs"]
mod late;
#[cfg(test)]
#[path = "bad/meaning.rs"]
mod meaning;
#[cfg(test)]
#[expect(unreachable_pub, reason = "it is a public module of the tests' crate")]
#[path = "../../tests/src/ports.rs"]
mod ports;
#[cfg(test)]
#[path = "bad/posting.rs"]
mod posting;
#[cfg(test)]
#[path = "bad/rows.rs"]
mod rows;
