//! Files as they are kept, in parts (PS3.18 section 10.4.1.1.1), and the streaming of all that is long.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use causeway_core::dicom::instance::InstanceRow;
use causeway_core::envelope::Digest;
use causeway_core::port::SharedBlobs;
use futures_util::stream::unfold;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;

use super::Imaging;
use super::answer::{Accepted, DICOM, Fault, accepted};
use super::gate::{Gate, Pages, Place};
use super::kept::{Kept, Version};
use super::reader::Reader;
use super::search::away;

/// Bytes read and sent at once.
const PIECE: usize = 256 << 10;
/// Pieces that wait for a slow peer.
const PIECES: usize = 2;
/// Instances looked up at once.
const PAGE: u32 = 200;
/// Stands between the parts. Its letters are in no DICOM file by chance alone: 128 bits.
pub(super) const BOUNDARY: &str = "causeway-1f0c7a52d94b4e6c8a37e5b2906d41f3";

/// The media type as a parameter, for those who cannot set headers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AcceptParameter {
    pub(super) accept: Option<String>,
}

/// `/studies/{study}` and deeper.
pub(super) async fn files(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(place): Path<Place>,
    Query(asked): Query<AcceptParameter>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let kinds = accepted(&headers, asked.accept.as_deref());
    let wanted: Vec<Accepted> =
        kinds.into_iter().filter(|one| [DICOM, "application/*", "*/*"].contains(&one.kind.as_str())).collect();
    let Some(first) = wanted.first().cloned() else {
        let what = "files are application/dicom, in parts (multipart/related); pictures are under /rendered";
        return Err(Fault::NotAcceptable(what.to_owned()));
    };
    let permit = begin(&imaging)?;
    let (pages, page, blobs) = away(move || {
        let person = Gate::open(&imaging, reader)?.enter(place.subject("files"))?;
        let mut pages = Pages::new(&imaging, place.query(person, false, PAGE)?);
        let page = pages.next()?;
        if page.is_empty() { Err(Fault::NotFound) } else { Ok((pages, page, Arc::clone(&imaging.blobs))) }
    })
    .await?;
    for row in &page {
        in_syntax(&wanted, row.instance.transfer_syntax.as_str())?;
    }
    if let (false, DICOM, [row]) = (first.multipart, first.kind.as_str(), page.as_slice()) {
        let version = Version::of(&[&row.instance.blob, &DICOM]);
        return Kept::of(&headers).or(&version, DICOM, || Ok(single(blobs, row, permit)));
    }
    // What is of one page is known whole.
    let version = pages.is_over().then(|| {
        let digests: Vec<String> = page.iter().map(|row| row.instance.blob.to_string()).collect();
        Version::of(&[&multipart(DICOM), &digests.join(",")])
    });
    let make = || Ok(([(CONTENT_TYPE, multipart(DICOM))], parts(blobs, pages, page, permit)).into_response());
    match version {
        Some(version) => Kept::of(&headers).or(&version, &multipart(DICOM), make),
        None => make(),
    }
}

/// The files of some pages.
fn parts(blobs: SharedBlobs, pages: Pages, page: Vec<InstanceRow>, permit: OwnedSemaphorePermit) -> Body {
    stream(move |pour| {
        let _permit = permit;
        let (mut pages, mut page) = (pages, page);
        while !page.is_empty() {
            for row in &page {
                let syntax = &row.instance.transfer_syntax;
                pour.part(&format!("{DICOM}; transfer-syntax={syntax}"), row.instance.bytes)?;
                pour.blob(&blobs, &row.instance.blob, 0, row.instance.bytes, false)?;
            }
            page = pages.next()?;
        }
        pour.end()
    })
}

/// One file, alone.
fn single(blobs: SharedBlobs, row: &InstanceRow, permit: OwnedSemaphorePermit) -> Response {
    let (digest, bytes) = (row.instance.blob, row.instance.bytes);
    let body = stream(move |pour| {
        let _permit = permit;
        pour.blob(&blobs, &digest, 0, bytes, false)
    });
    ([(CONTENT_TYPE, DICOM.to_owned()), (CONTENT_LENGTH, bytes.to_string())], body).into_response()
}

/// A place among the answers that read files.
pub(super) fn begin(imaging: &Imaging) -> Result<OwnedSemaphorePermit, Fault> {
    Arc::clone(&imaging.under_way).try_acquire_owned().map_err(|_busy| Fault::Unavailable)
}

/// Whether one of those accepted takes the syntax an instance is kept in. Pixels are never made anew for a file.
pub(super) fn in_syntax(wanted: &[Accepted], kept: &str) -> Result<(), Fault> {
    let takes = |one: &Accepted| one.transfer_syntax.as_deref().is_none_or(|named| named == "*" || named == kept);
    if wanted.iter().any(takes) {
        return Ok(());
    }
    Err(Fault::NotAcceptable(format!(
        "it is kept in transfer syntax {kept}: ask for that one, or for `transfer-syntax=*`"
    )))
}

/// The content type of an answer in parts.
pub(super) fn multipart(kind: &str) -> String {
    format!("multipart/related; type=\"{kind}\"; boundary={BOUNDARY}")
}

/// Where the pieces of a long answer go.
pub(super) struct Pour {
    pieces: mpsc::Sender<Result<Bytes, Fault>>,
    begun: bool,
}

impl Pour {
    /// The next bytes. Fails when nobody listens any more.
    pub(super) fn put(&mut self, bytes: Vec<u8>) -> Result<(), Fault> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.pieces.blocking_send(Ok(bytes.into())).map_err(|_gone| Fault::Unavailable)
    }

    /// The head of a part.
    pub(super) fn part(&mut self, content_type: &str, bytes: u64) -> Result<(), Fault> {
        let before = if self.begun { "\r\n" } else { "" };
        self.begun = true;
        let head = format!("{before}--{BOUNDARY}\r\nContent-Type: {content_type}\r\nContent-Length: {bytes}\r\n\r\n");
        self.put(head.into_bytes())
    }

    /// The end of the parts.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.put(format!("\r\n--{BOUNDARY}--\r\n").into_bytes())
    }

    /// Bytes of a blob; of pairs in big endian, turned round.
    pub(super) fn blob(
        &mut self,
        blobs: &SharedBlobs,
        digest: &Digest,
        from: u64,
        bytes: u64,
        turned: bool,
    ) -> Result<(), Fault> {
        let (mut at, end) = (from, from.saturating_add(bytes));
        while at < end {
            let wanted = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(PIECE);
            let mut piece = blobs.read(digest, at, wanted)?;
            if piece.is_empty() {
                tracing::error!("a file ends before the place the index tells");
                return Err(Fault::Internal);
            }
            at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if turned {
                piece.chunks_exact_mut(2).for_each(<[u8]>::reverse);
            }
            self.put(piece)?;
        }
        Ok(())
    }
}

/// A body that is written by a thread that may block; memory does not grow with it. What fails half way cuts the
/// connection, so that nobody takes it for whole.
pub(super) fn stream(work: impl FnOnce(&mut Pour) -> Result<(), Fault> + Send + 'static) -> Body {
    let (pieces, coming) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut pour = Pour { pieces, begun: false };
        if let Err(fault) = work(&mut pour) {
            // Nobody may be listening.
            drop(pour.pieces.blocking_send(Err(fault)));
        }
    });
    let next = |mut coming: mpsc::Receiver<Result<Bytes, Fault>>| async move {
        let piece = coming.recv().await?;
        Some((piece.map_err(|_fault| std::io::Error::other("an answer could not be finished")), coming))
    };
    Body::from_stream(unfold(coming, next))
}
