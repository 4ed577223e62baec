//! Metadata: DICOM JSON as it was made when the instance came (PS3.18 section 10.4.1.1.2).

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use causeway_core::dicom::instance::{HERE, InstanceRow};
use causeway_core::envelope::Digest;

use super::Imaging;
use super::answer::{DICOM_JSON, Fault, accepted};
use super::gate::{Gate, Pages, Place};
use super::gzip::{Coding, Packer};
use super::kept::{Kept, Version};
use super::reader::Reader;
use super::retrieve::{AcceptParameter, Pour, stream};
use super::search::{away, relative};

/// Instances whose metadata are read at once.
const PAGE: u32 = 100;
/// Bytes of metadata that are held to tell whether the reader has them already; longer ones are sent as they are read.
const HELD_BYTES: usize = 8 << 20;

/// `…/metadata` of a study, a series or an instance.
pub(super) async fn metadata(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(place): Path<Place>,
    Query(asked): Query<AcceptParameter>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let kinds = accepted(&headers, asked.accept.as_deref());
    let json = |kind: &str| [DICOM_JSON, "application/json", "application/*", "*/*"].contains(&kind);
    if !kinds.iter().any(|accepted| !accepted.multipart && json(&accepted.kind)) {
        return Err(Fault::NotAcceptable("metadata are application/dicom+json; there is no XML".to_owned()));
    }
    let known = match (&place.series, &place.instance) {
        (_, Some(_)) => Known::All,
        (Some(_), None) => Known::Series,
        (None, None) => Known::Study,
    };
    let gathered = away(move || {
        let person = Gate::open(&imaging, reader)?.enter(place.subject("metadata"))?;
        Gathered::of(Pages::new(&imaging, place.query(person, true, PAGE)?), known)
    })
    .await?;
    let coding = Coding::of(&headers).for_bytes(gathered.bytes);
    let cut = gathered.cut;
    let mut answer = match gathered.version(coding) {
        Some(version) => Kept::of(&headers).or(&version, DICOM_JSON, || Ok(gathered.answer(coding)))?,
        None => gathered.answer(coding),
    };
    if cut {
        let said = "299 causeway: some headers were too long to be kept: their metadata have the main values; the files have all";
        answer.headers_mut().insert(HeaderName::from_static("warning"), HeaderValue::from_static(said));
    }
    Ok(answer)
}

/// How much of an instance's address the path of the request holds.
#[derive(Debug, Clone, Copy)]
enum Known {
    Study,
    Series,
    All,
}

impl Known {
    /// The metadata of a row, with addresses relative to the path of the request.
    fn told(self, row: &InstanceRow) -> String {
        let here = match self {
            Self::Study => relative(row, 1),
            Self::Series => relative(row, 2),
            Self::All => ".".to_owned(),
        };
        row.instance.metadata.expose().replace(HERE, &here)
    }
}

/// The beginning of an answer, mostly all of it.
struct Gathered {
    texts: Vec<String>,
    bytes: usize,
    cut: bool,
    /// Where the rest is.
    pages: Pages,
    /// There is no rest.
    whole: bool,
    known: Known,
}

impl Gathered {
    /// May block.
    fn of(pages: Pages, known: Known) -> Result<Self, Fault> {
        let mut all = Self { texts: Vec::new(), bytes: 0, cut: false, pages, whole: false, known };
        while !all.whole && all.bytes <= HELD_BYTES {
            let page = all.pages.next()?;
            all.whole = page.is_empty();
            for row in page {
                let text = known.told(&row);
                all.bytes = all.bytes.saturating_add(text.len());
                all.cut |= row.instance.cut;
                all.texts.push(text);
            }
        }
        if all.texts.is_empty() { Err(Fault::NotFound) } else { Ok(all) }
    }

    /// Of what is known whole.
    fn version(&self, coding: Coding) -> Option<Version> {
        let digests = || self.texts.iter().map(|text| Digest::of(text.as_bytes()).to_string()).collect::<Vec<_>>();
        self.whole.then(|| Version::of(&[&DICOM_JSON, &coding.name(), &digests().join(",")]))
    }

    fn answer(self, coding: Coding) -> Response {
        let body = stream(move |pour| {
            let Self { texts, mut pages, whole, known, .. } = self;
            let (mut packer, mut between) = (coding.packer(), '[');
            let mut put = |pour: &mut Pour, packer: &mut Packer, text: &str| {
                let piece = format!("{between}{text}");
                between = ',';
                pour.put(packer.put(piece.into_bytes())?)
            };
            for text in texts {
                put(pour, &mut packer, &text)?;
            }
            let mut page = if whole { Vec::new() } else { pages.next()? };
            while !page.is_empty() {
                for row in &page {
                    put(pour, &mut packer, &known.told(row))?;
                }
                page = pages.next()?;
            }
            pour.put(packer.put(b"]".to_vec())?)?;
            pour.put(packer.end()?)
        });
        let mut answer = ([(CONTENT_TYPE, DICOM_JSON), (VARY, "accept-encoding")], body).into_response();
        coding.tell(&mut answer);
        answer
    }
}
