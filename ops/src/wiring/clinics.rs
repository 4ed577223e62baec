//! The doors for Chinese-medicine records: what they ask of the rest of the hub, and how they are opened and served.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use causeway_chinese_medicine::{CmFileDoor, Desk, Ports};
use causeway_core::envelope::FeedName;
use causeway_core::metric::{self, Metrics as _};
use causeway_hl7::Suspect;
use causeway_serve::http::{self, HttpLimits, Refused, Tls};
use causeway_tls::{Acceptor, HandshakeError, Reload};
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;

use super::suspects::Suspects;
use super::{Engines, halt, is_paused, listen, said};
use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic};
use crate::http::clinic;

/// How often the files of TLS are looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(10);

/// Opens them, all or none, and serves until `stopping`.
pub(super) async fn open(
    config: &Config,
    engines: &Engines,
    paused: &Arc<RwLock<BTreeSet<FeedName>>>,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<Task<()>>, Diagnostic> {
    let mut open = Vec::new();
    for door in &config.cm_door {
        let desk = Desk::open(door.clone(), ports(engines, paused)).map_err(|error| {
            let what = format!("the TLS of the Chinese-medicine door on {} cannot work", door.listen);
            Diagnostic::new(Code::Certificate, what).because(&error)
        })?;
        let (listener, found) = listen(door.listen).await?;
        open.push((Arc::new(desk), listener, found));
    }
    let mut tasks = Vec::new();
    for (desk, listener, found) in open {
        let limits =
            HttpLimits { body_bytes_max: desk.config().limits.batch_bytes_max, ..config.server.limits.clone() };
        let metrics = Arc::clone(&engines.metrics) as _;
        let tls = desk.tls();
        if let Some(tls) = &tls {
            tasks.push(tokio::spawn(watch_files(Arc::clone(tls), stopping.clone())));
        }
        let tls = tls.map(|acceptor| Tls { acceptor, refused: refused(engines) });
        let stopping = stopping.clone();
        tracing::info!(address = %found, "Chinese-medicine door open");
        tasks.push(tokio::spawn(async move {
            http::serve_by(listener, tls, clinic::routes(desk), limits, metrics, said(stopping)).await;
        }));
    }
    for door in &config.cm_file_door {
        let opened = CmFileDoor::open(door.clone(), ports(engines, paused)).map_err(|error| {
            let what = format!("the folder {} cannot be watched", door.pickup.folder.display());
            Diagnostic::new(Code::Contradiction, what).because(&error)
        })?;
        let stopping = stopping.clone();
        tasks.push(tokio::spawn(async move { opened.serve(said(stopping)).await }));
    }
    Ok(tasks)
}

/// Counts a handshake that failed, and notes somebody who could not show who he is.
pub(super) fn refused(engines: &Engines) -> Arc<Refused> {
    let metrics = Arc::clone(&engines.metrics);
    let suspects = Suspects::new(Arc::clone(&engines.clock), Arc::clone(&engines.repository) as _);
    Arc::new(move |address, error: &HandshakeError| {
        let cause = error.as_str();
        metrics.add(&metric::CONNECTIONS_REFUSED, &["-", cause], 1);
        if error.is_authentication_failure() {
            tracing::warn!(peer = %address, %error, "node authentication failure");
            suspects.note(&Suspect { address, cause, detail: error.to_string(), feed: None });
        }
    })
}

/// Reads certificates again when their files change.
async fn watch_files(tls: Arc<Acceptor>, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(RELOAD_EVERY) => {}
        }
        let tls = Arc::clone(&tls);
        if let Ok(Reload::Failed(error)) = tokio::task::spawn_blocking(move || tls.reload()).await {
            tracing::warn!(%error, "changed certificates cannot be used; the former ones stay");
        }
    }
}

fn ports(engines: &Engines, paused: &Arc<RwLock<BTreeSet<FeedName>>>) -> Ports {
    Ports {
        log: engines.log.port(),
        clock: Arc::clone(&engines.clock),
        metrics: Arc::clone(&engines.metrics) as _,
        is_paused: is_paused(paused),
        halt: Arc::new(halt::log),
    }
}
