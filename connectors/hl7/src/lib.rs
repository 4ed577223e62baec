//! The HL7 v2 connector: the doors for MLLP, HTTP and files, and the MLLP client.
//!
//! Bytes become frames ([`frame`]), frames become envelopes, envelopes go to the log, and only then is the sender told
//! that its message is safe ([`ack`]). [`Door`] is that walk over TCP, with every bound in [`config`]; [`client`] is
//! the other side of it.

pub mod ack;
mod application_ack;
mod batch;
mod budget;
mod chance;
pub mod client;
pub mod config;
mod connection;
mod desk;
mod door;
mod feed;
mod file;
pub mod frame;
mod inbox;
mod listener;
mod peer;
mod post;
mod seal;
mod sequence;
mod tally;
pub mod trial;

pub use application_ack::Waiters;
pub use causeway_tls::Suspect;
pub use door::{Door, DoorError, Ports, Sequences};
pub use file::{FileDoor, FileDoorConfig};
pub use listener::Drained;
pub use post::{Posted, Poster, Posting};
pub use seal::{Support, Supports};
