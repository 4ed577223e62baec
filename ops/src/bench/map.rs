//! Mapping: how many messages a second become FHIR, on one core, with nothing stored.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use causeway_core::envelope::{Digest, Envelope, FeedName, Format, TraceId};
use causeway_core::feed::FeedSettings;
use causeway_core::phi::Phi;
use causeway_core::port::{Clock as _, Map as _};
use causeway_core::provider::ProviderId;
use causeway_mappers::Mappers;
use uuid::Uuid;

use super::load::Loaded;
use super::{Found, door, message};
use crate::clock::SystemClock;
use crate::diagnostic::{Code, Diagnostic};
use crate::generate::provider;

/// So many messages are measured together: one alone takes too little to be timed well.
const TOGETHER: u32 = 50;

/// Measures for so long.
///
/// # Errors
/// The message cannot be read.
pub(crate) fn run(file: Option<&PathBuf>, seconds: u64) -> Result<Found, Diagnostic> {
    let name = FeedName::parse("bench").map_err(|error| Diagnostic::new(Code::Internal, error.to_string()))?;
    let settings = FeedSettings::new(name.clone(), Format::Hl7v2, ProviderId(provider::NEWCOMER.to_owned()));
    let mappers = Mappers::new(vec![settings]);
    let text = message(file.map(PathBuf::as_path))?.replace("{ID}", "B1").replace("{PAT}", "B1");
    let envelope = Envelope {
        trace: TraceId(Uuid::nil()),
        feed: name,
        format: Format::Hl7v2,
        sender: String::new(),
        control_id: "B1".to_owned(),
        kind: String::new(),
        patient_key: Phi::default(),
        received_at: SystemClock.now(),
        digest: Digest::of(text.as_bytes()),
        refusal: None,
        body: Phi::new(text.as_bytes().into()),
    };
    let (begun, limit) = (Instant::now(), Duration::from_secs(seconds));
    let mut loaded = Loaded::default();
    while begun.elapsed() < limit {
        let turn = Instant::now();
        for _ in 0..TOGETHER {
            let mapped = std::hint::black_box(mappers.map(std::hint::black_box(&envelope)));
            loaded.failed += u64::from(!mapped.faults.is_empty());
        }
        let one = turn.elapsed() / TOGETHER;
        loaded.took.extend(std::iter::repeat_n(one, usize::try_from(TOGETHER).unwrap_or(1)));
    }
    loaded.elapsed = begun.elapsed();
    loaded.took.sort_unstable();
    Ok(door::found("map", &loaded))
}
