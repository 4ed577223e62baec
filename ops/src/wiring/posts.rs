//! Opens the doors for HL7 over HTTP, beside those for MLLP, whose feeds and certificates they share.

use std::sync::Arc;

use causeway_hl7::Door;
use causeway_serve::http::{self, HttpLimits, Tls};
use causeway_tls::HandshakeError;
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;

use super::{listen, said};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::http::hl7;
use crate::metrics::Prometheus;

/// Opens all of them, in the order of the configuration, and serves until `stopping`.
pub(super) async fn open(
    doors: &[Door],
    config: &Config,
    metrics: &Arc<Prometheus>,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<Task<()>>, Diagnostic> {
    let mut tasks = Vec::new();
    for (door, settings) in doors.iter().zip(&config.door) {
        let Some(address) = settings.http_listen else { continue };
        let (listener, found) = listen(address).await?;
        let poster = door.poster();
        let body_bytes_max = u64::try_from(poster.message_bytes_max()).unwrap_or(u64::MAX);
        let limits = HttpLimits { body_bytes_max, ..config.server.limits.clone() };
        let teller = poster.clone();
        let refused = Arc::new(move |address, error: &HandshakeError| teller.not_let_in(address, error));
        let tls = poster.tls().map(|acceptor| Tls { acceptor, refused });
        let (routes, metrics) = (hl7::routes(poster), Arc::clone(metrics) as _);
        let stopping = stopping.clone();
        tracing::info!(address = %found, "HL7 over HTTP open");
        tasks.push(tokio::spawn(async move {
            http::serve_by(listener, tls, routes, limits, metrics, said(stopping)).await;
        }));
    }
    Ok(tasks)
}
