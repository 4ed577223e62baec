//! Pictures of frames for those who cannot decode them (PS3.18 sections 10.4.1.1.3 and 10.4.1.1.5). They are made elsewhere, in a
//! process whose time and memory are bounded ([`Render`]).

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LANGUAGE;
use axum::response::{IntoResponse as _, Response};
use causeway_core::dicom::claim::Pixels;
use causeway_core::dicom::instance::InstanceRow;
use causeway_core::dicom::picture::{Packing, PictureOrder};
use causeway_core::dicom::syntax::{EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use causeway_core::dicom::tag::{self, Tag};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Imaging;
use super::answer::{Accepted, Fault, accepted};
use super::frames::{FramePlace, enter, places};
use super::gate::{Gate, Place};
use super::kept::{Kept, Version};
use super::reader::Reader;
use super::retrieve::begin;
use super::search::{away, header};

/// The largest frame that is shown, in bytes as kept.
const FRAME_BYTES_MAX: u64 = 64 << 20;
/// The longest side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 160;
/// The longest side anybody may ask for.
const SIDE_MAX: u32 = 8192;
/// To be raised when the same pixels are to look different: what readers have kept is of another version then.
const MAKING: u32 = 1;
const PNG: &str = "image/png";
const JPEG: &str = "image/jpeg";

/// Makes pictures.
pub trait Render: Send + Sync {
    /// The picture of a frame. May block, for a bounded time.
    ///
    /// # Errors
    /// There is none; see [`RenderError`].
    fn render(&self, job: &RenderJob) -> Result<Picture, RenderError>;
}

/// A frame and how to show it.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderJob {
    /// How.
    pub order: PictureOrder,
    /// Its bytes; of uncompressed ones in little endian.
    pub frame: Vec<u8>,
}

/// PNG or JPEG, as the order says.
pub type Picture = Vec<u8>;

/// Centre and width, in the units of the rescaled values.
pub type Window = (f64, f64);

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Pixels of this kind are not shown here.
    #[error("{0}")]
    Unsupported(String),
    /// The pixels are broken, or took more time or memory than they may.
    #[error("{0}")]
    Broken(String),
    /// All that may work do.
    #[error("too many pictures are being made")]
    Busy,
}

impl RenderError {
    /// What the reader is told, of pixels in this transfer syntax.
    fn told(self, syntax: &str) -> Fault {
        let instead = "read the frames as they are under /frames, or the file (Accept: application/dicom), with a viewer \
            that decodes them";
        match self {
            Self::Unsupported(why) => {
                Fault::NotAcceptable(format!("{why}; the pixels are in transfer syntax {syntax}: {instead}"))
            }
            Self::Broken(why) => Fault::NotAcceptable(format!(
                "no picture can be made of these pixels in transfer syntax {syntax}: {why}; {instead}"
            )),
            Self::Busy => Fault::Unavailable,
        }
    }
}

/// How a picture is wanted (PS3.18 section 8.3.5).
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Wanted {
    /// Width, height.
    viewport: Option<String>,
    /// Centre, width and the function, which is linear.
    window: Option<String>,
    accept: Option<String>,
}

/// `…/rendered` of an instance.
pub(super) async fn rendered(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(place): Path<Place>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    if place.instance.is_none() {
        let what = "pictures are made of one instance or frame: list the instances, or ask for the /thumbnail";
        return Err(Fault::NotAcceptable(what.to_owned()));
    }
    let way = Way::read(&wanted, &headers, None)?;
    away(move || picture(&imaging, reader, &place, 1, &way)).await
}

/// `…/frames/{frame}/rendered`.
pub(super) async fn frame(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(path): Path<FramePlace>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let number = path.frames.parse().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| Fault::BadRequest("a picture is of one frame, numbered from 1".to_owned()))?;
    let way = Way::read(&wanted, &headers, None)?;
    away(move || picture(&imaging, reader, &path.place(), number, &way)).await
}

/// `…/thumbnail` of a study, a series or an instance: of the first instance that is a picture.
pub(super) async fn thumbnail(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(place): Path<Place>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let way = Way::read(&wanted, &headers, Some((THUMBNAIL, THUMBNAIL)))?;
    away(move || {
        let place = if place.instance.is_some() { place } else { first(&imaging, reader.clone(), place)? };
        picture(&imaging, reader, &place, 1, &way)
    })
    .await
}

/// The first instance with frames.
fn first(imaging: &Arc<Imaging>, reader: Reader, place: Place) -> Result<Place, Fault> {
    let person = Gate::open(imaging, reader)?.enter(place.subject("rendered"))?;
    let mut pages = super::gate::Pages::new(imaging, place.query(person, false, 100)?);
    loop {
        let page = pages.next()?;
        if page.is_empty() {
            return Err(Fault::NotFound);
        }
        if let Some(row) = page.into_iter().find(|row| row.instance.search.frames > 0) {
            let text = |uid: &causeway_core::dicom::uid::Uid| Some(uid.to_string());
            return Ok(Place { series: text(&row.instance.series), instance: text(&row.instance.instance), ..place });
        }
    }
}

fn picture(imaging: &Arc<Imaging>, reader: Reader, place: &Place, number: usize, way: &Way) -> Result<Response, Fault> {
    let _permit = begin(imaging)?;
    let row = enter(imaging, reader, place, "rendered")?;
    let order = order(&row, number, way)?;
    let syntax = row.instance.transfer_syntax.as_str();
    order.packing().map_err(|why| RenderError::Unsupported(why.to_string()).told(syntax))?;
    let kind = if order.jpeg { JPEG } else { PNG };
    let how = serde_json::to_string(&order).map_err(|_unwritable| Fault::Internal)?;
    let version = Version::of(&[&row.instance.blob, &number, &how, &MAKING]);
    way.kept.or(&version, kind, || {
        let job = RenderJob { frame: pixels(imaging, &row, number, &order)?, order };
        Ok(([(CONTENT_LANGUAGE, "zxx")], imaging.render.render(&job).map_err(|error| error.told(syntax))?)
            .into_response())
    })
}

/// Why a page shows no picture of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unseen {
    /// Pixels of this kind are not shown here.
    Kind,
    /// The pixels are broken.
    Broken,
    /// Not now.
    Later,
}

/// Whether there is a picture of a frame in a window, before a page leads to it: a browser without script cannot say why
/// there is none. Compressed pixels are decoded for that, to the very picture that is asked for next, so that who makes
/// pictures may keep it; uncompressed ones need only be there. May block, for a bounded time.
pub(crate) fn unseen(imaging: &Imaging, row: &InstanceRow, number: usize, window: Option<Window>) -> Option<Unseen> {
    let as_sent = order_as_sent(row, &header(row), number);
    let order = PictureOrder { window: window.or(as_sent.window), ..as_sent };
    let Ok(packing) = order.packing() else { return Some(Unseen::Kind) };
    let read = begin(imaging).and_then(|_permit| {
        let job = RenderJob { frame: pixels(imaging, row, number, &order)?, order };
        Ok(if packing == Packing::Native { Ok(Picture::new()) } else { imaging.render.render(&job) })
    });
    match read {
        Ok(Ok(_picture)) => None,
        Ok(Err(RenderError::Unsupported(_))) => Some(Unseen::Kind),
        Ok(Err(RenderError::Broken(_))) | Err(Fault::NotAcceptable(_) | Fault::NotFound) => Some(Unseen::Broken),
        Ok(Err(RenderError::Busy)) | Err(_) => Some(Unseen::Later),
    }
}

/// The bytes of a frame; of uncompressed ones in little endian.
fn pixels(imaging: &Imaging, row: &InstanceRow, number: usize, order: &PictureOrder) -> Result<Vec<u8>, Fault> {
    let mut frame = Vec::new();
    for (at, bytes) in places(&imaging.blobs, row, &[number])?.into_iter().flatten() {
        let total = u64::try_from(frame.len()).unwrap_or(u64::MAX).saturating_add(bytes);
        if total > FRAME_BYTES_MAX {
            return Err(Fault::NotAcceptable("the frame is too large for a picture: read it under /frames".to_owned()));
        }
        let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
        frame.extend(imaging.blobs.read(&row.instance.blob, at, wanted)?);
    }
    if row.instance.transfer_syntax.as_str() == EXPLICIT_BIG && order.bits_allocated == 16 {
        frame.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    }
    Ok(frame)
}

/// How a picture is wanted, understood.
struct Way {
    within: Option<(u32, u32)>,
    window: Option<Window>,
    jpeg: bool,
    kept: Kept,
}

impl Way {
    fn read(wanted: &Wanted, headers: &HeaderMap, within: Option<(u32, u32)>) -> Result<Self, Fault> {
        let kinds = accepted(headers, wanted.accept.as_deref());
        let named = |kind: &str| kinds.iter().position(|one: &Accepted| one.kind == kind);
        let any = kinds.iter().any(|one| ["*/*", "image/*"].contains(&one.kind.as_str()));
        let jpeg = match (named(JPEG), named(PNG)) {
            (Some(jpeg), Some(png)) => jpeg < png,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) if any => false,
            (None, None) => return Err(Fault::NotAcceptable("pictures are image/png or image/jpeg".to_owned())),
        };
        let viewport = wanted.viewport.as_deref().map(|text| {
            let sides: Vec<u32> = text.split(',').filter_map(|side| side.trim().parse().ok()).collect();
            match sides.as_slice() {
                [width @ 1..=SIDE_MAX, height @ 1..=SIDE_MAX] => Ok((*width, *height)),
                _ => Err(Fault::BadRequest(format!("viewport is width,height in pixels, each from 1 to {SIDE_MAX}"))),
            }
        });
        let window = wanted.window.as_deref().map(|text| {
            let mut parts = text.split(',').map(str::trim);
            let mut number =
                || parts.next().and_then(|part| part.parse::<f64>().ok()).filter(|number| number.is_finite());
            let (centre, width) = (number(), number().filter(|width| *width >= 1.0));
            let linear = parts.next().is_none_or(|function| function.eq_ignore_ascii_case("linear"));
            centre.zip(width).filter(|_| linear).ok_or_else(|| {
                Fault::BadRequest(
                    "window is centre,width,linear: a number, a number from 1 on, and the word".to_owned(),
                )
            })
        });
        Ok(Self {
            within: viewport.transpose()?.or(within),
            window: window.transpose()?,
            jpeg,
            kept: Kept::of(headers),
        })
    }
}

/// The order for a frame of an instance.
fn order(row: &InstanceRow, number: usize, way: &Way) -> Result<PictureOrder, Fault> {
    if row.instance.search.frames == 0 {
        return Err(Fault::NotAcceptable("the instance has no pixels: it is a report or the like".to_owned()));
    }
    let as_sent = order_as_sent(row, &header(row), number);
    Ok(PictureOrder { window: way.window.or(as_sent.window), within: way.within, jpeg: way.jpeg, ..as_sent })
}

/// The order for a frame in its own window and size, as PNG.
pub(crate) fn order_as_sent(row: &InstanceRow, header: &Map<String, Value>, number: usize) -> PictureOrder {
    let whole = |tag: Tag| first_value(header, tag).and_then(Value::as_u64).and_then(|value| u32::try_from(value).ok());
    let text = |tag: Tag| first_value(header, tag).and_then(Value::as_str).unwrap_or_default().to_owned();
    let real = |tag: Tag| first_value(of_frame(header, number, tag)?, tag).and_then(Value::as_f64);
    let allocated = whole(tag::BITS_ALLOCATED).unwrap_or(16);
    // What a private syntax does to pixels nobody knows, and deflated ones have no place of their own.
    let transfer_syntax = match (&row.instance.pixels, row.instance.transfer_syntax.as_str()) {
        (Some(Pixels::Native(..)), IMPLICIT_LITTLE | EXPLICIT_LITTLE | EXPLICIT_BIG) => EXPLICIT_LITTLE,
        (_, as_sent) => as_sent,
    };
    PictureOrder {
        transfer_syntax: transfer_syntax.to_owned(),
        rows: whole(tag::ROWS).unwrap_or(0),
        columns: whole(tag::COLUMNS).unwrap_or(0),
        samples: whole(tag::SAMPLES_PER_PIXEL).unwrap_or(1),
        planar: whole(PLANAR) == Some(1),
        bits_allocated: allocated,
        bits_stored: whole(BITS_STORED).unwrap_or(allocated),
        signed: whole(SIGNED) == Some(1),
        photometric: text(tag::PHOTOMETRIC_INTERPRETATION),
        slope: real(SLOPE).unwrap_or(1.0),
        intercept: real(INTERCEPT).unwrap_or(0.0),
        window: real(CENTRE).zip(real(WIDTH).filter(|width| *width >= 1.0)),
        within: None,
        jpeg: false,
    }
}

pub(crate) const BITS_STORED: Tag = Tag(0x0028, 0x0101);
pub(crate) const SIGNED: Tag = Tag(0x0028, 0x0103);
const PLANAR: Tag = Tag(0x0028, 0x0006);
pub(crate) const CENTRE: Tag = Tag(0x0028, 0x1050);
pub(crate) const WIDTH: Tag = Tag(0x0028, 0x1051);
pub(crate) const INTERCEPT: Tag = Tag(0x0028, 0x1052);
pub(crate) const SLOPE: Tag = Tag(0x0028, 0x1053);
/// The groups of multi-frame images that hold what single frames say at the top (PS3.3 sections C.7.6.16.2.9 and
/// C.7.6.16.2.10, and Pixel Measures).
const GROUPS: [Tag; 3] = [Tag(0x0028, 0x9145), Tag(0x0028, 0x9132), Tag(0x0028, 0x9110)];
const SHARED: Tag = Tag(0x5200, 0x9229);
const PER_FRAME: Tag = Tag(0x5200, 0x9230);

/// The first value of an element.
pub(crate) fn first_value(object: &Map<String, Value>, tag: Tag) -> Option<&Value> {
    object.get(&tag.hex())?.get("Value")?.get(0)
}

/// Where an element stands that may be of a frame: of that frame, of all of them, or of the instance.
pub(crate) fn of_frame(header: &Map<String, Value>, number: usize, tag: Tag) -> Option<&Map<String, Value>> {
    let frames = header.get(&PER_FRAME.hex()).and_then(|all| all.get("Value"));
    let own = frames.and_then(|all| all.get(number.saturating_sub(1)));
    within(own, tag).or_else(|| within(first_value(header, SHARED), tag)).or(Some(header))
}

/// The group among some that holds an element.
fn within(groups: Option<&Value>, tag: Tag) -> Option<&Map<String, Value>> {
    let groups = groups?.as_object()?;
    let mut found = GROUPS.iter().filter_map(|group| first_value(groups, *group)?.as_object());
    found.find(|group| group.contains_key(&tag.hex()))
}
