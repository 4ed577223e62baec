//! What is answered to a store request: a result for every part (DICOM PS3.18 section 10.5.3 and annex I.2), as DICOM JSON.

use causeway_core::port::Freshness;
use serde_json::{Map, Value, json};

use super::StowFault;
use crate::config::OnConflict;
use crate::deposit::{Deposited, Names, Undeposited};
use crate::status::Status;

/// The longest comment: that of a value of VR LO, in characters.
const COMMENT_MAX: usize = 64;

/// What became of a part.
pub(super) type Outcome = Result<Deposited, Undeposited>;

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The results of the parts, as DICOM JSON; `None` when no part has one.
    pub results: Option<Value>,
    /// Why the request is at fault as a whole.
    pub fault: Option<StowFault>,
    /// Whether the same request may be taken later.
    pub later: bool,
}

impl From<StowFault> for Answer {
    fn from(fault: StowFault) -> Self {
        Self { status: fault.status(), results: None, fault: Some(fault), later: fault.is_transient() }
    }
}

/// What is told beside the outcomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'a> {
    /// What Retrieve URLs begin with.
    pub(super) retrieve_url: Option<&'a str>,
    /// What a sender is told of a UID that it used for another instance.
    pub(super) on_conflict: OnConflict,
}

/// The answer to a request whose parts had these outcomes. A request at fault as a whole still tells what became of the
/// parts before the fault, since those that are stored stay so.
pub(super) fn answer(outcomes: &[Outcome], fault: Option<StowFault>, telling: Telling<'_>) -> Answer {
    let fault = fault.or_else(|| outcomes.is_empty().then_some(StowFault::NoParts));
    let results = (!outcomes.is_empty()).then(|| results(outcomes, telling));
    let (status, later) = match fault {
        Some(fault) => (fault.status(), fault.is_transient()),
        None => status(outcomes, telling),
    };
    Answer { status, results, fault, later }
}

/// The status of a whole request: 200 when everything is stored, 202 when some is or there are warnings, else why nothing is.
fn status(outcomes: &[Outcome], telling: Telling<'_>) -> (u16, bool) {
    let refused = || outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let warned = |outcome: &Outcome| outcome.as_ref().is_ok_and(|stored| warning(stored, telling).is_some());
    match refused().count() {
        0 if outcomes.iter().any(warned) => (202, false),
        0 => (200, false),
        count if count < outcomes.len() => (202, false),
        _ if refused().all(|not| not.later) => (503, true),
        _ if refused().all(|not| not.refusal.status == Status::OUT_OF_RESOURCES && !not.later) => (413, false),
        _ => (409, false),
    }
}

fn results(outcomes: &[Outcome], telling: Telling<'_>) -> Value {
    let (mut stored, mut failed, mut nameless) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(one) => stored.push(of_stored(one, telling)),
            Err(not) => match &not.names {
                Some(names) => failed.push(of_failed(not, Some(names))),
                None => nameless.push(of_failed(not, None)),
            },
        }
    }
    let mut studies = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).map(|stored| &stored.study);
    let study = studies.next().filter(|first| studies.all(|other| other == *first));
    let url = study.zip(telling.retrieve_url).map(|(study, url)| format!("{url}/studies/{study}"));
    let mut results = Map::new();
    results.insert("00081190".to_owned(), values("UR", url.map(Value::from)));
    for (tag, items) in [("00081198", failed), ("00081199", stored), ("0008119A", nameless)] {
        if !items.is_empty() {
            results.insert(tag.to_owned(), values("SQ", items));
        }
    }
    Value::Object(results)
}

fn of_stored(stored: &Deposited, telling: Telling<'_>) -> Value {
    let mut item = named(&stored.names);
    let Deposited { study, series, names, .. } = stored;
    let url = telling
        .retrieve_url
        .map(|url| format!("{url}/studies/{study}/series/{series}/instances/{}", names.sop_instance));
    item.insert("00081190".to_owned(), values("UR", url.map(Value::from)));
    if let Some(reason) = warning(stored, telling) {
        item.insert("00081196".to_owned(), values("US", [reason.into()]));
    }
    Value::Object(item)
}

/// With Error Comment (0000,0902) as C-STORE has it, since a number tells nobody what to do.
fn of_failed(not: &Undeposited, names: Option<&Names>) -> Value {
    let mut item = names.map(named).unwrap_or_default();
    let comment: String = not.refusal.comment.chars().take(COMMENT_MAX).collect();
    item.insert("00000902".to_owned(), values("LO", [comment.into()]));
    item.insert("00081197".to_owned(), values("US", [not.refusal.status.0.into()]));
    Value::Object(item)
}

fn named(names: &Names) -> Map<String, Value> {
    let uid = |uid: &str| values("UI", [uid.into()]);
    let [class, instance] = [names.sop_class.as_str(), names.sop_instance.as_str()].map(uid);
    [("00081150".to_owned(), class), ("00081155".to_owned(), instance)].into_iter().collect()
}

/// Warning Reason of an instance that is stored with something to say: the status that C-STORE would have had.
fn warning(stored: &Deposited, telling: Telling<'_>) -> Option<u16> {
    match stored.freshness {
        Freshness::New | Freshness::Resent => None,
        Freshness::ControlIdReused => telling.on_conflict.answer().err().map(|refusal| refusal.status.0),
    }
}

fn values(vr: &str, values: impl IntoIterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.into_iter().collect();
    if values.is_empty() { json!({ "vr": vr }) } else { json!({ "vr": vr, "Value": values }) }
}

#[cfg(test)]
mod tests {
    use causeway_core::dicom::uid::Uid;

    use super::*;
    use crate::status::Refusal;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).expect("a uid")
    }

    fn stored(study: &str, freshness: Freshness) -> Outcome {
        let names = Names { sop_class: uid("1.2"), sop_instance: uid("1.3") };
        Ok(Deposited { names, study: uid(study), series: uid("1.5"), freshness })
    }

    fn refused(status: Status, later: bool) -> Outcome {
        Err(Undeposited { refusal: Refusal::new(status, "why".repeat(30)), names: None, later })
    }

    fn told(outcomes: &[Outcome], on_conflict: OnConflict, retrieve_url: Option<&str>) -> Answer {
        answer(outcomes, None, Telling { retrieve_url, on_conflict })
    }

    #[test]
    fn the_status_tells_all_some_or_why_none() {
        let (new, other) = (stored("1.4", Freshness::New), stored("1.4", Freshness::ControlIdReused));
        let (bad, full) = (refused(Status::CANNOT_UNDERSTAND, false), refused(Status::OUT_OF_RESOURCES, true));
        let large = refused(Status::OUT_OF_RESOURCES, false);
        let status = |outcomes: &[&Outcome]| {
            let outcomes: Vec<Outcome> = outcomes.iter().map(|one| (*one).clone()).collect();
            let answer = told(&outcomes, OnConflict::Duplicate, None);
            (answer.status, answer.later)
        };
        assert_eq!(status(&[&new, &stored("1.4", Freshness::Resent)]), (200, false));
        assert_eq!(status(&[&new, &other]), (202, false));
        assert_eq!(told(&[new.clone(), other], OnConflict::Success, None).status, 200);
        assert_eq!(status(&[&new, &bad]), (202, false));
        assert_eq!(status(&[&bad, &full]), (409, false));
        assert_eq!(status(&[&full, &full]), (503, true));
        assert_eq!(status(&[&large]), (413, false));
        assert_eq!(status(&[]), (400, false));
    }

    #[test]
    fn every_part_has_its_result_and_one_study_its_address() {
        let outcomes = [stored("1.4", Freshness::ControlIdReused), refused(Status::CANNOT_UNDERSTAND, false)];
        let told = told(&outcomes, OnConflict::Duplicate, Some("https://x/dicomweb")).results.expect("results");
        assert_eq!(told["00081190"]["Value"][0], "https://x/dicomweb/studies/1.4");
        let item = &told["00081199"]["Value"][0];
        assert_eq!((&item["00081150"]["Value"][0], &item["00081155"]["Value"][0]), (&"1.2".into(), &"1.3".into()));
        assert_eq!(item["00081196"], json!({ "vr": "US", "Value": [0x0111] }));
        assert_eq!(item["00081190"]["Value"][0], "https://x/dicomweb/studies/1.4/series/1.5/instances/1.3");
        let failed = &told["0008119A"]["Value"][0];
        assert_eq!(failed["00081197"]["Value"][0], 0xC000);
        assert_eq!(failed["00000902"]["Value"][0].as_str().map(str::len), Some(64));
        let two = [stored("1.4", Freshness::New), stored("1.6", Freshness::New)];
        let two =
            super::answer(&two, None, Telling { retrieve_url: Some("https://x"), on_conflict: OnConflict::Success });
        assert_eq!(two.results.expect("results")["00081190"], json!({ "vr": "UR" }));
    }
}
