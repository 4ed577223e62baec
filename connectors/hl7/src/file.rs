//! The file door: HL7 messages in files, through the same desk as MLLP.
//!
//! A file is answered by a report beside it, once every message of it is in the log. Until then it stays in `work` and is
//! read again from its beginning after a stop: the log, or where several processes write it the repository, knows what
//! it has by feed, control id and digest, so nothing has a second effect.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_pickup::Pickup;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tracing::{error, info};

use crate::door::{DoorError, Ports, Shared};
use crate::peer::{Peer, Token};

mod config;
mod count;
mod read;
mod report;
mod split;
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
        let bell = Arc::new(Bell::default());
        let walk = walk::Walk {
            shared: self.shared,
            config: self.config,
            bell: Arc::clone(&bell),
            runtime: Handle::current(),
        };
        info!(feed = walk.shared.feed_name(0), "file door open");
        let mut walk = tokio::task::spawn_blocking(move || walk.run());
        let ended = tokio::select! {
            ended = &mut walk => ended,
            () = stop => {
                bell.ring();
                walk.await
            }
        };
        if ended.is_err() {
            error!("a file door ended by a panic");
        }
    }
}

/// Says that it is time to go.
#[derive(Debug, Default)]
struct Bell {
    rung: AtomicBool,
    wake: Notify,
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    fn has_rung(&self) -> bool {
        self.rung.load(Ordering::SeqCst)
    }
}

/// Whoever may write to the folder.
const fn writer() -> Peer {
    Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate: None, token: Token::NotAsked }
}
