//! Opens the STOW-RS of the DICOM doors, whose feeds and certificates they share.

use std::sync::Arc;

use causeway_dicom::Door;
use causeway_serve::http::{self, HttpLimits, Tls};
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;

use super::{Engines, clinics, listen, said};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::http::stow;

/// Opens all of them, in the order of the configuration, and serves until `stopping`.
pub(super) async fn open(
    doors: &[Door],
    config: &Config,
    engines: &Engines,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<Task<()>>, Diagnostic> {
    let mut tasks = Vec::new();
    for desk in doors.iter().filter_map(Door::stow) {
        let settings = desk.settings().clone();
        let (listener, found) = listen(settings.listen).await?;
        let limits = HttpLimits {
            body_bytes_max: settings.request_bytes_max,
            request_timeout: settings.request_timeout,
            ..config.server.limits.clone()
        };
        let tls = desk.tls().map(|acceptor| Tls { acceptor, refused: clinics::refused(engines) });
        let (routes, metrics) = (stow::routes(desk), Arc::clone(&engines.metrics) as _);
        let stopping = stopping.clone();
        tracing::info!(address = %found, "STOW-RS open");
        tasks.push(tokio::spawn(async move {
            http::serve_by(listener, tls, routes, limits, metrics, said(stopping)).await;
        }));
    }
    Ok(tasks)
}
