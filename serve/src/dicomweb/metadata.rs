//! Metadata: DICOM JSON as it was made when the instance came (PS3.18 section 10.4.1.1.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use causeway_core::dicom::instance::{HERE, InstanceRow};

use super::Imaging;
use super::answer::{DICOM_JSON, Fault, accepted};
use super::gate::{Gate, Pages, Place};
use super::reader::Reader;
use super::retrieve::{AcceptParameter, Pour, stream};
use super::search::{away, relative};

/// Instances whose metadata are read at once.
const PAGE: u32 = 100;

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
    let (pages, first) = away(move || {
        let person = Gate::open(&imaging, reader)?.enter(place.subject("metadata"))?;
        let mut pages = Pages::new(&imaging, place.query(person, true, PAGE)?);
        let first = pages.next()?;
        if first.is_empty() { Err(Fault::NotFound) } else { Ok((pages, first)) }
    })
    .await?;
    let cut = first.iter().any(|row| row.instance.cut);
    let mut answer = ([(CONTENT_TYPE, DICOM_JSON)], body(pages, first, known)).into_response();
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

fn body(mut pages: Pages, first: Vec<InstanceRow>, known: Known) -> Body {
    stream(move |pour: &mut Pour| {
        let (mut page, mut between) = (first, '[');
        while !page.is_empty() {
            let mut text = String::new();
            for row in &page {
                let here = match known {
                    Known::Study => relative(row, 1),
                    Known::Series => relative(row, 2),
                    Known::All => ".".to_owned(),
                };
                text.push(between);
                text.push_str(&row.instance.metadata.expose().replace(HERE, &here));
                between = ',';
            }
            pour.put(text.into_bytes())?;
            page = pages.next()?;
        }
        pour.put(b"]".to_vec())
    })
}
