//! The configuration of a folder of HL7 files.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use causeway_pickup::PickupSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ApplicationAck, ConfigFault, DoorConfig, DoorLimits, FeedConfig};

/// A watched folder and the feed whose files it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDoorConfig {
    /// The folder, and when a file in it is taken.
    pub pickup: PickupSettings,
    /// Bounds on memory and time. Those of connections have no meaning here.
    #[serde(default)]
    pub limits: DoorLimits,
    /// The feed. Who may write to the folder may send for it, so `from`, `certificates` and `http_token_sha256` are left out;
    /// MSH-3 and MSH-4 must fit `senders` all the same.
    pub feed: FeedConfig,
}

impl FileDoorConfig {
    /// What is wrong with it; empty when nothing is. Does not look at the disk.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let feed = &self.feed;
        let has_other_from = feed.from != crate::config::loopback();
        let foreign = [
            (has_other_from, "from"),
            (!feed.certificates.is_empty(), "certificates"),
            (feed.http_token_sha256.is_some(), "http_token_sha256"),
            (feed.sequence_numbers, "sequence_numbers"),
        ];
        let foreign = foreign.into_iter().filter(|(is_set, _)| *is_set);
        let foreign = foreign.map(|(_, setting)| ConfigFault::NotForFiles { feed: feed.name.clone(), setting });
        let folder = self.pickup.faults().into_iter().map(ConfigFault::Folder);
        self.as_door().faults().into_iter().chain(foreign).chain(folder).collect()
    }

    /// The same with every relative path below `folder`.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        self.pickup = self.pickup.below(folder);
        self.feed = self.feed.below(folder);
        self
    }

    /// As a door that nobody connects to. A file asks no questions, so that strangers in it do not close it, and it has no
    /// way back for what is only known later.
    pub(super) fn as_door(&self) -> DoorConfig {
        let mut feed = self.feed.clone();
        if feed.application_ack == ApplicationAck::Same {
            feed.application_ack = ApplicationAck::Never;
        }
        let limits = DoorLimits { unknown_senders_max: u32::MAX, ..self.limits };
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        DoorConfig { limits, ..DoorConfig::new(nowhere, vec![feed]) }
    }
}
