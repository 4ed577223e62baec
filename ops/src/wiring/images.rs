//! The DICOM doors: what they ask of the rest of the hub, and how they are opened and served.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use causeway_core::envelope::FeedName;
use causeway_dicom::{Distrust, Door, DoorError, Ports, Safekeeping};
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;

use super::suspects::Suspects;
use super::{Engines, halt, is_paused, said, stow};
use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic};

/// Opens the DICOM doors, all of them or none, and serves them until `stopping`.
pub(super) async fn open(
    config: &Config,
    engines: &Engines,
    paused: &Arc<RwLock<BTreeSet<FeedName>>>,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<Task<()>>, Diagnostic> {
    let mut open = Vec::new();
    for door in &config.dicom_door {
        open.push(Door::open(door.clone(), ports(engines, paused)).await.map_err(|error| {
            let code = match &error {
                DoorError::Listen { .. } => Code::PortTaken,
                DoorError::Tls { .. } => Code::Certificate,
                DoorError::Config(_) => Code::Contradiction,
            };
            Diagnostic::new(code, format!("the DICOM door on {} cannot be opened", door.listen)).because(&error)
        })?);
    }
    let stores = stow::open(&open, config, engines, stopping).await?;
    let serve = |door: Door| {
        let stopping = stopping.clone();
        tokio::spawn(async move {
            door.serve(said(stopping)).await;
        })
    };
    Ok(open.into_iter().map(serve).chain(stores).collect())
}

fn ports(engines: &Engines, paused: &Arc<RwLock<BTreeSet<FeedName>>>) -> Ports {
    let suspects = Suspects::new(Arc::clone(&engines.clock), Arc::clone(&engines.repository) as _);
    let senders = Arc::clone(&suspects);
    Ports {
        log: engines.log.port(),
        blobs: Arc::clone(&engines.blobs),
        clock: Arc::clone(&engines.clock),
        metrics: Arc::clone(&engines.metrics) as _,
        is_paused: is_paused(paused),
        suspect: Arc::new(move |suspect| suspects.note(suspect)),
        refused: Arc::new(move |sender| senders.note_instance(sender)),
        repository: Some(Arc::clone(&engines.repository) as _),
        safekeeping: Some(Safekeeping {
            requests: Arc::clone(&engines.repository) as _,
            repository: Arc::clone(&engines.repository) as _,
            images: Arc::clone(&engines.repository) as _,
        }),
        halt: Arc::new(|cause| match cause {
            Distrust::Log(error) => halt::log(error),
            Distrust::Blobs(error) => halt::blobs(error),
        }),
    }
}
