//! Frames as they are kept, found by their places (PS3.18 section 10.4.1.1.4), and values too long for metadata.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use causeway_core::dicom::claim::Pixels;
use causeway_core::dicom::instance::{Instance, InstanceRow};
use causeway_core::dicom::syntax::{EXPLICIT_BIG, EXPLICIT_LITTLE, Syntax};
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::port::SharedBlobs;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Imaging;
use super::answer::{Accepted, BYTES, Fault, accepted};
use super::gate::{Gate, Place, Subject};
use super::kept::{Kept, Version};
use super::reader::Reader;
use super::rendered::first_value;
use super::retrieve::{AcceptParameter, Pour, begin, in_syntax, multipart, stream};
use super::search::{away, header};

/// Frames of one request.
const FRAMES_MAX: usize = 1000;
/// The longest offset table that is read.
const TABLE_BYTES_MAX: u64 = 4 << 20;

/// A frame: the places of its parts in the file.
pub(super) type Frame = Vec<(u64, u64)>;

/// What a path names.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FramePlace {
    pub(super) study: String,
    pub(super) series: String,
    pub(super) instance: String,
    /// Numbers from 1, with commas between.
    pub(super) frames: String,
}

impl FramePlace {
    pub(super) fn place(&self) -> Place {
        Place { study: self.study.clone(), series: Some(self.series.clone()), instance: Some(self.instance.clone()) }
    }

    fn numbers(&self) -> Result<Vec<usize>, Fault> {
        let number = |text: &str| text.trim().parse::<usize>().ok().filter(|number| *number > 0);
        let numbers: Option<Vec<usize>> = self.frames.split(',').map(number).collect();
        let wrong =
            || Fault::BadRequest(format!("frames are numbers from 1, with commas between, at most {FRAMES_MAX}"));
        numbers.filter(|numbers| numbers.len() <= FRAMES_MAX).ok_or_else(wrong)
    }
}

/// `…/frames/{list}`.
pub(super) async fn frames(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(path): Path<FramePlace>,
    Query(asked): Query<AcceptParameter>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let numbers = path.numbers()?;
    let kinds = accepted(&headers, asked.accept.as_deref());
    let permit = begin(&imaging)?;
    let several = numbers.len() > 1;
    let (instance, frames, turned, blobs) = away(move || {
        let row = enter(&imaging, reader, &path.place(), "frames")?;
        let places = places(&imaging.blobs, &row, &numbers)?;
        // Uncompressed pixels are given in little endian, however they came.
        let pairs = first_value(&header(&row), tag::BITS_ALLOCATED).and_then(Value::as_u64) == Some(16);
        let turned = pairs && row.instance.transfer_syntax.as_str() == EXPLICIT_BIG;
        Ok((row.instance, places, turned, Arc::clone(&imaging.blobs)))
    })
    .await?;
    let kept = instance.transfer_syntax.as_str();
    let native = matches!(instance.pixels, Some(Pixels::Native(..)));
    let syntax = if native { EXPLICIT_LITTLE } else { kept };
    let (wanted, kind) = media_type(&kinds, syntax)?;
    let part = format!("{kind}; transfer-syntax={syntax}");
    let alone = !wanted.multipart && wanted.kind != "*/*" && !several;
    let content_type = if alone { part.clone() } else { multipart(kind) };
    let digest = instance.blob;
    let version = Version::of(&[&digest, &content_type, &part, &bytes_of(&frames)]);
    let pour = move |pour: &mut Pour| {
        let _permit = permit;
        for frame in frames {
            if !alone {
                pour.part(&part, frame.iter().map(|(_, bytes)| bytes).sum())?;
            }
            for (at, bytes) in frame {
                pour.blob(&blobs, &digest, at, bytes, turned)?;
            }
        }
        if alone { Ok(()) } else { pour.end() }
    };
    Kept::of(&headers).or(&version, &content_type, || Ok(stream(pour).into_response()))
}

/// Which bytes of a file frames are, as text.
fn bytes_of(frames: &[Frame]) -> String {
    let parts = |frame: &Frame| frame.iter().map(|(at, bytes)| format!("{at}-{bytes}")).collect::<Vec<_>>().join("+");
    frames.iter().map(parts).collect::<Vec<_>>().join(",")
}

/// What a path names.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BulkPlace {
    study: String,
    series: String,
    instance: String,
    /// Where it begins and how many bytes, as `420-4096`.
    place: String,
}

/// `…/bulkdata/{place}`.
pub(super) async fn bulk_data(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(path): Path<BulkPlace>,
    Query(asked): Query<AcceptParameter>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let kinds = accepted(&headers, asked.accept.as_deref());
    let bytes = |one: &&Accepted| [BYTES, "application/*", "*/*"].contains(&one.kind.as_str());
    let wanted = kinds.iter().find(bytes).cloned();
    let wanted = wanted.ok_or_else(|| Fault::NotAcceptable(format!("bulk data are {BYTES}")))?;
    let place = path.place.split_once('-').and_then(|(at, bytes)| Some((at.parse().ok()?, bytes.parse().ok()?)));
    let (at, bytes): (u64, u64) = place.ok_or(Fault::NotFound)?;
    let permit = begin(&imaging)?;
    let (instance, blobs) = away(move || {
        let place = Place { study: path.study, series: Some(path.series), instance: Some(path.instance) };
        Ok((enter(&imaging, reader, &place, "bulk-data")?.instance, Arc::clone(&imaging.blobs)))
    })
    .await?;
    if at < instance.data_set_at || at.checked_add(bytes).is_none_or(|end| end > instance.bytes) || bytes == 0 {
        return Err(Fault::NotFound);
    }
    let digest = instance.blob;
    let content_type = if wanted.multipart { multipart(BYTES) } else { BYTES.to_owned() };
    let version = Version::of(&[&digest, &content_type, &at, &bytes]);
    let pour = move |pour: &mut Pour| {
        let _permit = permit;
        if wanted.multipart {
            pour.part(BYTES, bytes)?;
        }
        pour.blob(&blobs, &digest, at, bytes, false)?;
        if wanted.multipart { pour.end() } else { Ok(()) }
    };
    Kept::of(&headers).or(&version, &content_type, || Ok(stream(pour).into_response()))
}

/// The instance of a path, with metadata, after decision and audit. May block.
pub(super) fn enter(
    imaging: &Arc<Imaging>,
    reader: Reader,
    place: &Place,
    what: &'static str,
) -> Result<InstanceRow, Fault> {
    let subject = Subject { what, ..place.subject(what) };
    let person = Gate::open(imaging, reader)?.enter(subject)?;
    let rows = imaging.images.instances(&place.query(person, true, 1)?)?;
    rows.into_iter().next().ok_or(Fault::NotFound)
}

/// Where frames stand, numbered from 1.
pub(super) fn places(blobs: &SharedBlobs, row: &InstanceRow, numbers: &[usize]) -> Result<Vec<Frame>, Fault> {
    let all = Frames::of(blobs, row)?;
    numbers.iter().map(|number| all.frame(number.saturating_sub(1)).ok_or(Fault::NotFound)).collect()
}

/// All frames of an instance.
enum Frames {
    /// One after the other: where the first begins, bytes of each, how many.
    Native(u64, u64, usize),
    Compressed(Vec<Frame>),
}

impl Frames {
    fn of(blobs: &SharedBlobs, row: &InstanceRow) -> Result<Self, Fault> {
        let instance = &row.instance;
        let count = usize::try_from(instance.search.frames).unwrap_or(usize::MAX);
        if Syntax::of(&instance.transfer_syntax).deflated {
            let what = "the data set is deflated: its frames have no places; read the whole file";
            return Err(Fault::NotAcceptable(what.to_owned()));
        }
        match &instance.pixels {
            None => Err(Fault::NotFound),
            Some(Pixels::Native(at, bytes)) => {
                let size = frame_bytes(&header(row))?;
                let whole = size.checked_mul(u64::try_from(count).unwrap_or(u64::MAX)).is_some_and(|all| all <= *bytes);
                if !whole {
                    let what = "there are fewer pixels than rows, columns and frames tell; read the whole file";
                    return Err(Fault::NotAcceptable(what.to_owned()));
                }
                Ok(Self::Native(*at, size, count))
            }
            Some(Pixels::Encapsulated { table, fragments, count: kept }) => {
                let frames = if fragments.len() == count {
                    fragments.iter().map(|fragment| vec![*fragment]).collect()
                } else if count == 1 && !fragments.is_empty() {
                    vec![fragments.clone()]
                } else if let Some(frames) =
                    by_table(blobs, instance, *table, fragments)?.filter(|all| all.len() == count)
                {
                    frames
                } else {
                    let what = format!("it cannot be told which of {kept} fragments make a frame; read the whole file");
                    return Err(Fault::NotAcceptable(what));
                };
                Ok(Self::Compressed(frames))
            }
        }
    }

    fn frame(&self, place: usize) -> Option<Frame> {
        match self {
            Self::Native(at, size, count) => {
                let offset = size.checked_mul(u64::try_from(place).ok()?)?;
                (place < *count).then(|| vec![(at.saturating_add(offset), *size)])
            }
            Self::Compressed(frames) => frames.get(place).cloned(),
        }
    }
}

/// Frames by the Basic Offset Table (PS3.5 section A.4): places of their first fragments, counted from the first one's item.
fn by_table(
    blobs: &SharedBlobs,
    instance: &Instance,
    (at, bytes): (u64, u64),
    fragments: &[(u64, u64)],
) -> Result<Option<Vec<Frame>>, Fault> {
    let Some((first, _)) = fragments.first().filter(|_| bytes > 0 && bytes <= TABLE_BYTES_MAX) else { return Ok(None) };
    let table = blobs.read(&instance.blob, at, usize::try_from(bytes).unwrap_or(0))?;
    let starts = table.chunks_exact(4).filter_map(|four| four.try_into().ok()).map(u32::from_le_bytes);
    let starts: Vec<u64> = starts.map(|start| first.saturating_add(start.into())).collect();
    let ends = starts.iter().copied().skip(1).chain([u64::MAX]);
    let within = |(start, end): (&u64, u64)| -> Frame {
        fragments.iter().copied().filter(|(at, _)| (*start..end).contains(at)).collect()
    };
    Ok(Some(starts.iter().zip(ends).map(within).collect()))
}

/// Bytes of an uncompressed frame.
fn frame_bytes(header: &Map<String, Value>) -> Result<u64, Fault> {
    let number = |tag: Tag| first_value(header, tag).and_then(Value::as_u64);
    let bits = || {
        let samples = number(tag::SAMPLES_PER_PIXEL).unwrap_or(1);
        number(tag::ROWS)?
            .checked_mul(number(tag::COLUMNS)?)?
            .checked_mul(samples)?
            .checked_mul(number(tag::BITS_ALLOCATED)?)
    };
    // A frame of single bits may begin inside a byte.
    let whole = bits().filter(|bits| *bits > 0 && bits.is_multiple_of(8));
    let what = "its header does not tell how long a frame is; read the whole file";
    whole.map(|bits| bits / 8).ok_or_else(|| Fault::NotAcceptable(what.to_owned()))
}

/// Which of those accepted is given, and as what.
fn media_type(kinds: &[Accepted], syntax: &str) -> Result<(Accepted, &'static str), Fault> {
    let own = of_syntax(syntax);
    let fits = |one: &&Accepted| [BYTES, own, "image/*", "application/*", "*/*"].contains(&one.kind.as_str());
    let fitting: Vec<Accepted> = kinds.iter().filter(fits).cloned().collect();
    let Some(first) = fitting.first().cloned() else {
        let what =
            format!("its frames are {own} or {BYTES}, in parts (multipart/related); pictures are under /rendered");
        return Err(Fault::NotAcceptable(what));
    };
    in_syntax(&fitting, syntax)?;
    let kind = if first.kind == own || first.kind == "image/*" { own } else { BYTES };
    Ok((first, kind))
}

/// The media type of a compressed frame (PS3.18 table 8.7.3-5).
fn of_syntax(syntax: &str) -> &'static str {
    match syntax {
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            "image/jpeg"
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => "image/jls",
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => "image/jp2",
        "1.2.840.10008.1.2.4.92" | "1.2.840.10008.1.2.4.93" => "image/jpx",
        "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" | "1.2.840.10008.1.2.4.203" => "image/jphc",
        "1.2.840.10008.1.2.5" => "image/dicom-rle",
        _ => BYTES,
    }
}
