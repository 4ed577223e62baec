//! Reading images: bounds, and the viewers studies can be opened in.

use std::time::Duration;

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reading images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ImagesConfig {
    /// Answers that read files at one time; one more is answered 503.
    pub(crate) answers_max: usize,
    /// Pictures made at one time, each in a process of its own; more wait for `picture_timeout`.
    pub(crate) pictures_max: usize,
    /// Memory one of these processes may take.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub(crate) picture_memory: u64,
    /// How long a picture may take; the process is ended then.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub(crate) picture_timeout: Duration,
    /// Pictures that were just made, kept in memory: the one a page leads to is made before the browser asks for it. `0B` keeps none.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub(crate) pictures_kept: u64,
    /// How long nothing of a study must have come until its `ImagingStudy` is `available`; until then it is `registered`. A
    /// final report with its accession number says so sooner. Viewers and QIDO-RS do not wait for it.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub(crate) study_quiet_period: Duration,
    /// Where an OHIF viewer is installed, as `https://viewer.example`: studies then lead to it. It needs this server as a
    /// DICOMweb source. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ohif_url: Option<String>,
}

impl Default for ImagesConfig {
    fn default() -> Self {
        Self {
            answers_max: 32,
            pictures_max: 2,
            picture_memory: 1 << 30,
            picture_timeout: Duration::from_secs(20),
            pictures_kept: 8 << 20,
            study_quiet_period: Duration::from_mins(1),
            ohif_url: None,
        }
    }
}
