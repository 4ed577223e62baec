//! QIDO-RS: studies, series and instances a reader may see (PS3.18 section 10.6).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, HeaderName, VARY};
use axum::response::{IntoResponse as _, Response};
use causeway_core::dicom::instance::{HERE, InstanceQuery, InstanceRow, StudyQuery, StudyRow};
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::uid::Uid;
use serde_json::{Map, Value, json};

use super::Imaging;
use super::answer::{DICOM_JSON, Fault};
use super::gate::{Gate, Pages, Place, Subject};
use super::gzip::Coding;
use super::matching::{Asked, Search};
use super::reader::Reader;

/// Studies looked at for one answer. When there are more that might match, the answer says that it is not all.
const STUDIES_MAX: usize = 5000;
/// Rows asked for at once.
const PAGE: u32 = 200;

/// What every study tells (PS3.18 table 10.6.3-3, as far as it is there).
const OF_STUDY: &[Tag] = &[
    tag::SPECIFIC_CHARACTER_SET,
    tag::STUDY_DATE,
    tag::STUDY_TIME,
    tag::ACCESSION_NUMBER,
    tag::REFERRING_PHYSICIAN_NAME,
    tag::TIMEZONE_OFFSET,
    tag::STUDY_DESCRIPTION,
    tag::PATIENT_NAME,
    tag::PATIENT_ID,
    tag::ISSUER_OF_PATIENT_ID,
    tag::PATIENT_BIRTH_DATE,
    tag::PATIENT_SEX,
    tag::STUDY_INSTANCE_UID,
    tag::STUDY_ID,
];
/// What every series tells beside (table 10.6.3-4).
const OF_SERIES: &[Tag] = &[
    tag::SERIES_DATE,
    tag::SERIES_TIME,
    tag::MODALITY,
    tag::SERIES_DESCRIPTION,
    tag::BODY_PART_EXAMINED,
    tag::LATERALITY,
    tag::SERIES_INSTANCE_UID,
    tag::SERIES_NUMBER,
    STEP_DATE,
    STEP_TIME,
    REQUEST_ATTRIBUTES,
];
/// What every instance tells beside (table 10.6.3-5).
const OF_INSTANCE: &[Tag] = &[
    tag::SOP_CLASS_UID,
    tag::SOP_INSTANCE_UID,
    tag::INSTANCE_NUMBER,
    tag::ROWS,
    tag::COLUMNS,
    tag::BITS_ALLOCATED,
    tag::NUMBER_OF_FRAMES,
];
/// Performed Procedure Step Start Date and Time, and Request Attributes Sequence.
const STEP_DATE: Tag = Tag(0x0040, 0x0244);
const STEP_TIME: Tag = Tag(0x0040, 0x0245);
const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);
const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
const AVAILABILITY: Tag = Tag(0x0008, 0x0056);
const RETRIEVE_URL: Tag = Tag(0x0008, 0x1190);
const SERIES_OF_STUDY: Tag = Tag(0x0020, 0x1206);
const INSTANCES_OF_STUDY: Tag = Tag(0x0020, 0x1208);
const INSTANCES_OF_SERIES: Tag = Tag(0x0020, 0x1209);

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Study,
    Series,
    Instance,
}

type Answer = Result<Response, Fault>;

/// `/studies`.
pub(super) async fn studies(State(imaging): State<Arc<Imaging>>, reader: Reader, asked: Asked) -> Answer {
    away(move || across(&imaging, reader, &asked, Level::Study)).await
}

/// `/series`.
pub(super) async fn any_series(State(imaging): State<Arc<Imaging>>, reader: Reader, asked: Asked) -> Answer {
    away(move || across(&imaging, reader, &asked, Level::Series)).await
}

/// `/instances`.
pub(super) async fn any_instances(State(imaging): State<Arc<Imaging>>, reader: Reader, asked: Asked) -> Answer {
    away(move || across(&imaging, reader, &asked, Level::Instance)).await
}

/// `/studies/{study}/series`.
pub(super) async fn series(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(place): Path<Place>,
    asked: Asked,
) -> Answer {
    away(move || within(&imaging, reader, &place, &asked, Level::Series)).await
}

/// `/studies/{study}/instances` and `/studies/{study}/series/{series}/instances`.
pub(super) async fn instances(
    State(imaging): State<Arc<Imaging>>,
    reader: Reader,
    Path(place): Path<Place>,
    asked: Asked,
) -> Answer {
    away(move || within(&imaging, reader, &place, &asked, Level::Instance)).await
}

/// Away from the web server's own threads.
pub(crate) async fn away<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Fault::Internal))
}

/// Results on their way.
struct Found {
    search: Search,
    skipped: usize,
    results: Vec<Value>,
    /// Not everything was looked at.
    cut: bool,
}

impl Found {
    fn new(search: Search) -> Self {
        Self { search, skipped: 0, results: Vec::new(), cut: false }
    }

    fn is_full(&self) -> bool {
        self.results.len() >= self.search.limit
    }

    /// Takes a header if it matches. Whether it is among the results.
    fn offer(&mut self, header: &Map<String, Value>, level: Level) -> bool {
        if self.is_full() || !self.search.matches(header) {
            return false;
        }
        if self.skipped < self.search.offset {
            self.skipped += 1;
            return false;
        }
        self.results.push(shown(header, &self.search, level));
        true
    }

    fn answer(self, taken: Coding) -> Answer {
        let body = Value::Array(self.results).to_string().into_bytes();
        let coding = taken.for_bytes(body.len());
        let mut answer = ([(CONTENT_TYPE, DICOM_JSON), (VARY, "accept-encoding")], coding.all(body)?).into_response();
        coding.tell(&mut answer);
        let fuzzy = "299 causeway: fuzzymatching is not supported: only literal matching was done";
        let cut =
            "299 causeway: there are too many studies to look at them all: narrow the search by date, person or number";
        for (said, warning) in [(self.search.fuzzy, fuzzy), (self.cut, cut)] {
            if said {
                answer.headers_mut().append(HeaderName::from_static("warning"), HeaderValue::from_static(warning));
            }
        }
        Ok(answer)
    }
}

/// Over all studies the reader may see.
fn across(imaging: &Arc<Imaging>, reader: Reader, asked: &Asked, level: Level) -> Answer {
    let mut found = Found::new(Search::of(asked)?);
    let mut gate = Gate::open(imaging, reader)?;
    let mut query = found.search.narrowed(PAGE);
    let (mut looked_at, mut audited) = (0, BTreeSet::new());
    while !found.is_full() {
        let rows = imaging.images.studies(&query)?;
        let Some(last) = rows.last() else { break };
        query.after = Some((last.date.clone(), last.study.clone(), last.person));
        for row in &rows {
            looked_at += 1;
            if found.is_full() || !gate.may_see(row.person)? {
                continue;
            }
            let prefix = format!("studies/{}", row.study);
            if offer_study(&mut found, imaging, row, &prefix, level)? && audited.insert((row.person, row.study.clone()))
            {
                gate.audit(
                    row.person,
                    Subject { what: "search", study: row.study.as_str(), series: None, instance: None },
                )?;
            }
        }
        if looked_at >= STUDIES_MAX {
            found.cut = !found.is_full();
            break;
        }
    }
    found.answer(asked.coding)
}

/// Within one study.
fn within(imaging: &Arc<Imaging>, reader: Reader, place: &Place, asked: &Asked, level: Level) -> Answer {
    let mut found = Found::new(Search::of(asked)?);
    let person = Gate::open(imaging, reader)?.enter(place.subject("search"))?;
    let query =
        StudyQuery { study: Uid::parse(&place.study).ok(), person: Some(person), limit: 1, ..StudyQuery::default() };
    let row = imaging.images.studies(&query)?.into_iter().next().ok_or(Fault::NotFound)?;
    let rows = place.query(person, level == Level::Instance, PAGE)?;
    match level {
        Level::Study => {}
        Level::Series => offer_series(&mut found, imaging, &row, rows, "")?,
        Level::Instance => {
            let bare = if place.series.is_some() { 2 } else { 1 };
            offer_instances(&mut found, imaging, &row, rows, bare)?;
        }
    }
    found.answer(asked.coding)
}

/// Whether something of a study is among the results.
fn offer_study(
    found: &mut Found,
    imaging: &Arc<Imaging>,
    row: &StudyRow,
    prefix: &str,
    level: Level,
) -> Result<bool, Fault> {
    let before = found.results.len();
    let query = |metadata, limit| InstanceQuery {
        person: Some(row.person),
        metadata,
        ..InstanceQuery::of(row.study.clone(), limit)
    };
    match level {
        Level::Study => {
            let first = imaging.images.instances(&query(true, 1))?;
            let Some(mut header) = first.first().map(header) else { return Ok(false) };
            describe_study(&mut header, row);
            put(&mut header, RETRIEVE_URL, "UR", vec![json!(prefix)]);
            found.offer(&header, Level::Study);
        }
        Level::Series => offer_series(found, imaging, row, query(false, PAGE), &format!("{prefix}/"))?,
        Level::Instance => offer_instances(found, imaging, row, query(true, PAGE), 0)?,
    }
    Ok(found.results.len() > before)
}

/// The series of a study: counted without their metadata, told by those of their first instance.
fn offer_series(
    found: &mut Found,
    imaging: &Arc<Imaging>,
    row: &StudyRow,
    query: InstanceQuery,
    prefix: &str,
) -> Result<(), Fault> {
    let mut series: Vec<(InstanceRow, u64)> = Vec::new();
    let mut pages = Pages::new(imaging, query);
    loop {
        let page = pages.next()?;
        if page.is_empty() {
            break;
        }
        for instance in page {
            match series.last_mut() {
                Some((first, count)) if first.instance.series == instance.instance.series => *count += 1,
                Some(_) | None => series.push((instance, 1)),
            }
        }
    }
    let mut told = Vec::new();
    for (first, count) in series {
        let exact = InstanceQuery {
            series: Some(first.instance.series.clone()),
            instance: Some(first.instance.instance.clone()),
            person: Some(first.person),
            metadata: true,
            ..InstanceQuery::of(row.study.clone(), 1)
        };
        let Some(mut header) = imaging.images.instances(&exact)?.first().map(header) else { continue };
        describe_study(&mut header, row);
        put(&mut header, INSTANCES_OF_SERIES, "IS", vec![json!(count)]);
        put(&mut header, RETRIEVE_URL, "UR", vec![json!(format!("{prefix}series/{}", first.instance.series))]);
        told.push(header);
    }
    told.sort_by_key(|header| number(header, tag::SERIES_NUMBER));
    for header in &told {
        found.offer(header, Level::Series);
    }
    Ok(())
}

/// The instances of a query; `known` says how much of their address the path holds already.
fn offer_instances(
    found: &mut Found,
    imaging: &Arc<Imaging>,
    row: &StudyRow,
    query: InstanceQuery,
    known: u8,
) -> Result<(), Fault> {
    let mut pages = Pages::new(imaging, query);
    while !found.is_full() {
        let page = pages.next()?;
        if page.is_empty() {
            break;
        }
        for one in &page {
            let mut header = header(one);
            describe_study(&mut header, row);
            put(&mut header, RETRIEVE_URL, "UR", vec![json!(relative(one, known))]);
            found.offer(&header, Level::Instance);
        }
    }
    Ok(())
}

/// The address of an instance, without what the path of the request holds: nothing, its study, or its series too.
pub(super) fn relative(row: &InstanceRow, known: u8) -> String {
    let facts = &row.instance;
    match known {
        0 => format!("studies/{}/series/{}/instances/{}", facts.study, facts.series, facts.instance),
        1 => format!("series/{}/instances/{}", facts.series, facts.instance),
        _ => format!("instances/{}", facts.instance),
    }
}

/// The metadata of a row.
pub(crate) fn header(row: &InstanceRow) -> Map<String, Value> {
    let text = row.instance.metadata.expose().replace(HERE, "");
    serde_json::from_str(&text).unwrap_or_default()
}

fn describe_study(header: &mut Map<String, Value>, row: &StudyRow) {
    put(header, MODALITIES_IN_STUDY, "CS", row.modalities.iter().map(|code| json!(code)).collect());
    put(header, SERIES_OF_STUDY, "IS", vec![json!(row.series)]);
    put(header, INSTANCES_OF_STUDY, "IS", vec![json!(row.instances)]);
    put(header, AVAILABILITY, "CS", vec![json!("ONLINE")]);
}

fn put(header: &mut Map<String, Value>, tag: Tag, vr: &str, values: Vec<Value>) {
    let element = if values.is_empty() { json!({ "vr": vr }) } else { json!({ "vr": vr, "Value": values }) };
    header.insert(tag.hex(), element);
}

fn number(header: &Map<String, Value>, tag: Tag) -> i64 {
    let value = header.get(&tag.hex()).and_then(|element| element.get("Value")).and_then(|values| values.get(0));
    value.and_then(Value::as_i64).unwrap_or(i64::MAX)
}

/// What a result shows of its header, in the order of the tags.
fn shown(header: &Map<String, Value>, search: &Search, level: Level) -> Value {
    let levels: &[&[Tag]] = match level {
        Level::Study => &[OF_STUDY],
        Level::Series => &[OF_STUDY, OF_SERIES],
        Level::Instance => &[OF_STUDY, OF_SERIES, OF_INSTANCE],
    };
    let counted = [MODALITIES_IN_STUDY, AVAILABILITY, RETRIEVE_URL, SERIES_OF_STUDY, INSTANCES_OF_STUDY];
    let of_series = [INSTANCES_OF_SERIES].into_iter().filter(|_| level != Level::Study);
    let all = search.include_all.then_some(()).filter(|()| level == Level::Instance);
    let wanted: BTreeSet<String> = match all {
        Some(()) => header.keys().cloned().collect(),
        None => levels
            .iter()
            .flat_map(|tags| tags.iter().copied())
            .chain(counted)
            .chain(of_series)
            .chain(search.include.iter().copied())
            .chain(search.conditions.iter().map(|condition| condition.tag))
            .map(Tag::hex)
            .collect(),
    };
    // What is bulk is read elsewhere.
    let small = |element: &&Value| element.get("BulkDataURI").is_none() && element.get("InlineBinary").is_none();
    let picked = wanted.into_iter().filter_map(|tag| Some((tag.clone(), header.get(&tag).filter(small)?.clone())));
    Value::Object(picked.collect())
}
