//! The folders of HL7 files: how they are opened and watched.

use causeway_hl7::{DoorError, FileDoor, Ports};
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;

use super::said;
use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic};

/// Opens the folders, all of them or none, and watches them until `stopping`.
pub(super) fn open(
    config: &Config,
    ports: &Ports,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<Task<()>>, Diagnostic> {
    let mut open = Vec::new();
    for door in &config.file_door {
        open.push(FileDoor::open(door.clone(), ports.clone()).map_err(|error| {
            let code = match &error {
                DoorError::Tls(_) => Code::Certificate,
                DoorError::Config(_) | DoorError::Listen { .. } | DoorError::Folder(_) => Code::Contradiction,
            };
            let folder = door.pickup.folder.display();
            Diagnostic::new(code, format!("the folder {folder} cannot be watched")).because(&error)
        })?);
    }
    let serve = |door: FileDoor| {
        let stopping = stopping.clone();
        tokio::spawn(async move {
            door.serve(said(stopping)).await;
        })
    };
    Ok(open.into_iter().map(serve).collect())
}
