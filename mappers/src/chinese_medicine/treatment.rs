//! Acupuncture, bone-setting and tui na: a Procedure each, with its points or site as body site.

use causeway_core::chinese_medicine::point::{self, Point};
use causeway_core::chinese_medicine::record::{Acupuncture, Side, TreatedPoint, Treatment};
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};

use super::context::{Context, Of, noted};
use super::narrative::narrative;
use crate::fhir::{Json, Object, coding, text_concept};

const DOMAIN: Domain = Domain::ChineseMedicineProcedure;
/// The Standard Acupuncture Nomenclature of WHO.
const POINTS: &str = "urn:causeway:code:WHO-acupuncture-point";

/// Everything that was done.
pub(super) fn records(context: &Context<'_>) -> Vec<Record> {
    let record = context.record;
    let points = record.acupuncture.iter().enumerate().map(|(at, one)| acupuncture(context, at, one));
    let bones = record.bone_setting.iter().enumerate();
    let bones = bones.map(|(at, one)| by_hand(context, ["bone-setting", "正骨"], "bone_setting", at, one));
    let hands = record.tui_na.iter().enumerate();
    let hands = hands.map(|(at, one)| by_hand(context, ["tui-na", "推拿"], "tui_na", at, one));
    points.chain(bones).chain(hands).collect()
}

fn acupuncture(context: &Context<'_>, at: usize, treatment: &Acupuncture) -> Record {
    let key = context.sequenced("Procedure", "acupuncture", at);
    let method = treatment.method;
    let shown: Vec<String> = treatment.points.iter().map(words).collect();
    let minutes = treatment.minutes.map(|minutes| format!("{}分鐘", minutes.get()));
    let lines = [format!("{}：{}", method.zh(), shown.join("、")), minutes.clone().unwrap_or_default()];
    let sites = treatment.points.iter().map(|treated| site(treated).into()).collect();
    let each = treatment.points.iter().filter_map(detail);
    let note = treatment.note.as_ref().map(|text| text.expose().to_owned());
    let resource = procedure(context, &key, treatment.withdrawn, &lines)
        .put("code", Context::own(method.as_str(), method.zh()))
        .list("bodySite", sites)
        .list("note", minutes.into_iter().chain(each).chain(note).map(|text| noted(&text)).collect());
    context.made(Of { domain: DOMAIN, level: Level::Structured, withdrawn: treatment.withdrawn }, key, &resource)
}

fn by_hand(
    context: &Context<'_>,
    [what, name]: [&str; 2],
    field: &'static str,
    at: usize,
    treatment: &Treatment,
) -> Record {
    let key = context.sequenced("Procedure", what, at);
    let coded = context.coded(DOMAIN, field, &treatment.procedure);
    let withdrawn = treatment.procedure.withdrawn;
    let place = treatment.site.as_ref().map(|site| format!("{}{}", site.expose(), side(treatment.side)));
    let minutes = treatment.minutes.map(|minutes| format!("{}分鐘", minutes.get()));
    let lines = [format!("{name}：{}", treatment.procedure.text.expose()), place.clone().unwrap_or_default()];
    let note = treatment.note.as_ref().map(|text| text.expose().to_owned());
    let resource = procedure(context, &key, withdrawn, &lines)
        .put("category", Context::own(what, name))
        .put("code", coded.concept)
        .list("bodySite", place.map(|place| text_concept(&place).into()).into_iter().collect())
        .list("note", minutes.into_iter().chain(note).map(|text| noted(&text)).collect());
    // What sort of treatment it is, is a field of its own: structured also without a code.
    context.made(Of { domain: DOMAIN, level: coded.level.max(Level::Structured), withdrawn }, key, &resource)
}

/// What every Procedure has.
fn procedure(context: &Context<'_>, key: &RecordKey, withdrawn: bool, lines: &[String]) -> Object {
    let gone = withdrawn || context.is_withdrawn();
    context
        .resource(key)
        .put("text", narrative(lines))
        .text("status", if gone { "entered-in-error" } else { "completed" })
        .put("subject", context.subject())
        .put("encounter", context.visit())
        .text("performedDateTime", &context.written(context.record.visit.start))
        .one("performer", Object::sized(1).put("actor", context.practitioner()))
}

/// A point as a body site: its WHO code, and in words with the side.
fn site(treated: &TreatedPoint) -> Object {
    let code = treated.code.as_ref().map(|code| coding(POINTS, code.expose(), &name(treated)));
    Object::sized(2).list("coding", code.into_iter().map(Json::from).collect()).text("text", &words(treated))
}

/// The name that was sent, or that of an extra point.
fn name(treated: &TreatedPoint) -> String {
    if let Some(name) = &treated.name {
        return name.expose().to_owned();
    }
    match treated.code.as_ref().map(|code| point::find(code.expose())) {
        Some(Ok(Point::Extra { name })) => name.to_owned(),
        Some(Ok(Point::Meridian { .. }) | Err(_)) | None => String::new(),
    }
}

fn words(treated: &TreatedPoint) -> String {
    let code = treated.code.as_ref().map(|code| code.expose()).unwrap_or_default();
    let words = [code.to_owned(), name(treated), side(treated.side).to_owned()];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What is said of one point besides its side.
fn detail(treated: &TreatedPoint) -> Option<String> {
    let manipulation = treated.manipulation.as_ref().map(|text| text.expose().to_owned());
    let minutes = treated.minutes.map(|minutes| format!("留針{}分鐘", minutes.get()));
    let said: Vec<String> = manipulation.into_iter().chain(minutes).collect();
    (!said.is_empty()).then(|| format!("{}：{}", words(treated), said.join("，")))
}

fn side(side: Option<Side>) -> &'static str {
    side.map(Side::zh).unwrap_or_default()
}
