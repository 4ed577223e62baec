//! The reading side of images: what its answers come from, and its routes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use causeway_serve::dicomweb::{self, Imaging};
use causeway_serve::viewer::{self, ViewerState};
use tokio::sync::Semaphore;

use super::Engines;
use super::pictures::Recent;
use super::rendering::Workers;
use crate::config::Config;

/// `/dicomweb` and `/studies`.
pub(super) fn routes(config: &Config, engines: &Engines, http: SocketAddr) -> Router {
    // It is asked for once: an upgrade may put another file in its place.
    let program = std::env::current_exe().unwrap_or_else(|error| {
        tracing::warn!(%error, "it cannot be told where this binary is: no pictures of images will be made");
        PathBuf::from("causeway")
    });
    let imaging = Arc::new(Imaging {
        images: Arc::clone(&engines.repository) as _,
        registry: Arc::clone(&engines.repository) as _,
        repository: Arc::clone(&engines.repository) as _,
        blobs: Arc::clone(&engines.blobs),
        clock: Arc::clone(&engines.clock),
        rules: config.policy.rules(),
        readers: config.reader.clone(),
        render: Arc::new(Recent::new(Workers::new(program, &config.images), config.images.pictures_kept)),
        under_way: Arc::new(Semaphore::new(config.images.answers_max.max(1))),
    });
    let state = ViewerState {
        imaging: Arc::clone(&imaging),
        synthetic: config.synthetic,
        ohif_url: config.images.ohif_url.clone(),
        base_url: format!("http://{http}"),
    };
    dicomweb::routes(imaging).merge(viewer::routes(state))
}
