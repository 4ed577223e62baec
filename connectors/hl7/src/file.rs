//! The file door: HL7 messages in files, through the same desk as MLLP.
//!
//! A file is answered by a report beside it, once every message of it is in the log. Until then it stays in `work` and is
//! read again from its beginning after a stop: the log, or where several processes write it the repository, knows what
//! it has by feed, control id and digest, so nothing has a second effect.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use causeway_pickup::{Facts, Pickup, Watcher};
use tokio::runtime::Handle;

use crate::door::{DoorError, Ports, Shared};
use crate::peer::{Peer, Token};

mod config;
mod read;
mod walk;

pub use config::FileDoorConfig;

/// The protocol, as a metric label.
const PROTOCOL: &str = "file";

/// A folder that is watched. Files are taken once [`FileDoor::serve`] runs.
#[derive(Debug)]
pub struct FileDoor {
    shared: Arc<Shared>,
    config: FileDoorConfig,
}

impl FileDoor {
    /// Checks the configuration and looks at the folder, whose path is taken as it is. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The configuration cannot work, or the folder cannot be used.
    pub fn open(config: FileDoorConfig, ports: Ports) -> Result<Self, DoorError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(DoorError::Config(faults));
        }
        // Who else watches it is asked again at every look; here it is only seen whether it can be watched at all.
        Pickup::open(&config.pickup).map_err(DoorError::Folder)?;
        let shared = Arc::new(Shared::for_files(config.as_door(), ports, PROTOCOL)?);
        Ok(Self { shared, config })
    }

    /// Takes files until `stop`. What is being read then stays in `work`.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) {
        let facts = Facts {
            feed: self.shared.feed_name(0).to_owned(),
            protocol: PROTOCOL,
            metrics: Arc::clone(&self.shared.ports.metrics),
        };
        let messages = walk::Messages { shared: self.shared, runtime: Handle::current() };
        Watcher::new(self.config.pickup, facts, messages).serve(stop).await;
    }
}

/// Whoever may write to the folder.
const fn writer() -> Peer {
    Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate: None, token: Token::NotAsked }
}
