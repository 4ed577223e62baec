//! Studies, series, instances and frames for viewers: QIDO-RS and WADO-RS (DICOM PS3.18), under `/dicomweb`.
//!
//! A reader is a configured client of a provider, known by a token, and heard from this machine only (`reader`). Each
//! answer is decided when it is asked for, by `core::policy::access`, and the audit line is written before any data leaves
//! (`gate`); what a reader may not see is not there for it. Metadata come from the index, frames by their places in the
//! file, and nothing long is held in memory whole. A reader that has an answer already hears so (`kept`), when it may
//! have it; JSON is packed for those who take it so (`gzip`).
//!
//! | path under `/dicomweb` | answer |
//! | --- | --- |
//! | `/studies`, `/studies/{study}/series`, `…/series/{series}/instances` and shorter | `search` |
//! | `/studies/{study}` and deeper | the files (`retrieve`) |
//! | `…/metadata` | DICOM JSON (`metadata`) |
//! | `…/frames/{list}` | frames (`frames`) |
//! | `…/bulkdata/{place}` | a value that is too long for metadata |
//! | `…/rendered`, `…/thumbnail` | pictures (`rendered`) |

mod answer;
mod frames;
mod gate;
mod gzip;
mod kept;
mod matching;
mod metadata;
mod reader;
mod rendered;
mod retrieve;
mod search;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use causeway_core::policy::Rules;
use causeway_core::port::{Clock, Images, Registry, Repository, SharedBlobs};
use tokio::sync::Semaphore;

pub(crate) use answer::Fault;
pub(crate) use gate::{Gate, Pages, Place, Subject};
pub(crate) use reader::{Reader, Readers};
pub use reader::{ReaderConfig, ReaderFault, faults};
pub(crate) use rendered::{
    BITS_STORED, CENTRE, INTERCEPT, SIGNED, SLOPE, Unseen, WIDTH, first_value, of_frame, order_as_sent, unseen,
};
pub use rendered::{Picture, Render, RenderError, RenderJob, Window};
pub(crate) use search::{away, header};

/// What the answers come from.
pub struct Imaging {
    /// The index.
    pub images: Arc<dyn Images>,
    /// Persons and providers.
    pub registry: Arc<dyn Registry>,
    /// The audit.
    pub repository: Arc<dyn Repository>,
    /// The files.
    pub blobs: SharedBlobs,
    /// The time of a decision.
    pub clock: Arc<dyn Clock>,
    /// What the law leaves open.
    pub rules: Rules,
    /// Who may ask.
    pub readers: Vec<ReaderConfig>,
    /// Makes pictures.
    pub render: Arc<dyn Render>,
    /// Answers under way that read files.
    pub under_way: Arc<Semaphore>,
}

impl std::fmt::Debug for Imaging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Imaging({} readers)", self.readers.len())
    }
}

/// The routes.
pub fn routes(imaging: Arc<Imaging>) -> Router {
    let study = "/dicomweb/studies/{study}";
    let series = format!("{study}/series/{{series}}");
    let instance = format!("{series}/instances/{{instance}}");
    let mut router = Router::new()
        .route("/dicomweb/studies", get(search::studies))
        .route("/dicomweb/series", get(search::any_series))
        .route("/dicomweb/instances", get(search::any_instances))
        .route(&format!("{study}/series"), get(search::series))
        .route(&format!("{study}/instances"), get(search::instances))
        .route(&format!("{series}/instances"), get(search::instances))
        .route(&format!("{instance}/frames/{{frames}}"), get(frames::frames))
        .route(&format!("{instance}/frames/{{frames}}/rendered"), get(rendered::frame))
        .route(&format!("{instance}/bulkdata/{{place}}"), get(frames::bulk_data));
    for level in [study, &series, &instance] {
        router = router
            .route(level, get(retrieve::files))
            .route(&format!("{level}/metadata"), get(metadata::metadata))
            .route(&format!("{level}/rendered"), get(rendered::rendered))
            .route(&format!("{level}/thumbnail"), get(rendered::thumbnail));
    }
    router.with_state(imaging)
}
