//! The pages of images: `/studies`, those a reader may see, and `/studies/{study}`, one of them with its series and
//! frames. Complete without JavaScript, by pictures and links; `viewer.js` adds scrolling, windows by drag, zoom and
//! measuring. They are decided and audited like every other reading (`crate::dicomweb`), and they are no tool for diagnosis.

mod gathered;
mod image;
mod list;
mod marks;
mod shown;

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use causeway_core::dicom::tag::{self, Tag};
use serde_json::{Map, Value};

use self::gathered::{First, Gathered, Study};
use self::image::Picture;
use self::shown::Shown;
use crate::assets::Asset;
use crate::dicomweb::{Fault, Gate, Imaging, Pages, Place, Reader, ReaderConfig, Readers, Unseen, away, first_value};
use crate::http::Problem;
use crate::language::{self, Language, Source, Speaker, Texts};
use crate::page::{Fragment, Page, Place as NavigationPlace};

/// Frames a page leads to. Longer series are cut, and say so.
const FRAMES_MAX: usize = 2000;
/// Windows for CT, in Hounsfield units: key of the name, centre, width.
const WINDOWS: [(&str, i32, i32); 4] =
    [("soft-tissue", 40, 400), ("lung", -600, 1500), ("bone", 300, 1500), ("brain", 40, 80)];

/// The texts of these pages.
pub(crate) const SOURCE: Source = Source {
    english: include_str!("../locales/viewer.en.ftl"),
    chinese: include_str!("../locales/viewer.zh-Hant.ftl"),
};

/// What the pages need beside the images.
#[derive(Debug, Clone)]
pub struct ViewerState {
    /// The images.
    pub imaging: Arc<Imaging>,
    /// Whether all data is synthetic, which a bar then says.
    pub synthetic: bool,
    /// Where an OHIF viewer is installed, if one is: studies can be opened in it.
    pub ohif_url: Option<String>,
    /// The address of this server as readers see it, for viewers on the desktop.
    pub base_url: String,
}

impl Readers for ViewerState {
    fn readers(&self) -> &[ReaderConfig] {
        &self.imaging.readers
    }
}

/// The routes.
pub fn routes(state: ViewerState) -> Router {
    Router::new()
        .route("/studies", get(to_language))
        .route("/studies/{study}", get(to_language))
        .route("/{lang}/studies", get(list::newest).post(list::found))
        .route("/{lang}/studies/{study}", get(study))
        .with_state(Arc::new(state))
}

async fn to_language(headers: HeaderMap, uri: Uri) -> Response {
    language::redirect(&headers, &uri)
}

fn say(language: Language) -> Speaker<'static> {
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::with(&[SOURCE]));
    TEXTS.in_language(language)
}

type Told = Result<Response, Untold>;

/// Why there is no page, in the words of pages where they have some.
struct Untold(Fault);

impl From<Fault> for Untold {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl axum::response::IntoResponse for Untold {
    fn into_response(self) -> Response {
        match self.0 {
            Fault::NotFound => Problem::NotFound.into_response(),
            Fault::Internal => Problem::Internal.into_response(),
            Fault::Unavailable => Problem::Unavailable.into_response(),
            other => other.into_response(),
        }
    }
}

/// A series of the page.
struct Series {
    uid: String,
    href: String,
    label: String,
    thumbnail: String,
    current: bool,
    shows: bool,
}

/// A choice of the window.
struct Choice {
    href: String,
    label: String,
    current: bool,
    /// Centre and width as `40,400`; empty for the image's own.
    values: String,
}

#[derive(Template)]
#[template(path = "study.html")]
struct Content<'a> {
    say: Speaker<'a>,
    facts: Vec<(String, String)>,
    series: Vec<Series>,
    pictures: Vec<Picture>,
    shown: bool,
    laterality: String,
    sides: Vec<(&'static str, usize, String)>,
    source: String,
    original: String,
    unshown: bool,
    /// Why there may be no picture: a word for the script, a sentence, and whether it is so.
    whys: [(&'static str, String, bool); 3],
    former: Option<String>,
    next: Option<String>,
    windows: Vec<Choice>,
    count: String,
    number: String,
    here: String,
    cut: bool,
    elsewhere: Vec<(String, String)>,
    patient: String,
    patient_id: String,
}

async fn study(
    State(state): State<Arc<ViewerState>>,
    language: Language,
    reader: Reader,
    Path((_, study)): Path<(String, String)>,
    Query(shown): Query<Shown>,
) -> Told {
    let place = Place { study: study.clone(), series: None, instance: None };
    let (imaging, mut gathered) = (Arc::clone(&state.imaging), Gathered::new(shown.series.clone()));
    let (shown, study, found, unseen) = away(move || {
        let person = Gate::open(&imaging, reader)?.enter(place.subject("viewer"))?;
        let mut pages = Pages::new(&imaging, place.query(person, true, 100)?);
        loop {
            let page = pages.next()?;
            if page.is_empty() {
                break;
            }
            page.iter().for_each(|row| gathered.take(row));
        }
        let found = gathered.end().ok_or(Fault::NotFound)?;
        let picture = shown.place(&found.pictures).and_then(|place| found.pictures.get(place));
        let unseen = picture.map(|picture| shown.unseen(&imaging, person, &study, picture)).transpose()?.flatten();
        Ok((shown, study, found, unseen))
    })
    .await?;
    let say = say(language);
    let content = content(&state, language, &study, &shown, found, unseen);
    let path = format!("/studies/{study}");
    let title = content.facts.first().map_or_else(|| say.text("viewer-study"), |(_, first)| first.clone());
    Ok(framed(&state, language, &path, &title, &content)?)
}

fn content(
    state: &ViewerState,
    language: Language,
    study: &str,
    shown: &Shown,
    found: Study,
    unseen: Option<Unseen>,
) -> Content<'static> {
    let say = say(language);
    let empty = Map::new();
    let Study { series: firsts, current, pictures, cut } = found;
    let current = current.as_deref();
    let of_study = firsts.first().map_or(&empty, |first| &first.header);
    let chosen =
        firsts.iter().find(|first| Some(first.uid.as_str()) == current).map_or(of_study, |first| &first.header);
    let here = format!("/{}/studies/{study}", language.prefix());
    let place = shown.place(&pictures);
    let window = shown.values();
    let asked = |frame: usize, window: Option<&str>| {
        let window = window.map(|name| format!("&window={name}")).unwrap_or_default();
        format!("{here}?series={}&frame={frame}{window}#picture", current.unwrap_or_default())
    };
    let named = shown.window.as_deref().filter(|_| window.is_some());
    let step = |to: usize| asked(to + 1, named);
    let picture = place.and_then(|place| pictures.get(place));
    let letters = picture.map(|picture| picture.sides.clone()).unwrap_or_default();
    let sides: Vec<_> = ["left", "right", "top", "bottom"].into_iter().zip(letters).collect();
    let source = picture.map(|picture| picture.rendered(window)).unwrap_or_default();
    let facts = [
        ("viewer-description", text(of_study, tag::STUDY_DESCRIPTION)),
        ("viewer-patient", name(of_study, language)),
        ("viewer-patient-id", text(of_study, tag::PATIENT_ID)),
        ("viewer-birth-date", day(&text(of_study, tag::PATIENT_BIRTH_DATE))),
        ("viewer-date", day(&text(of_study, tag::STUDY_DATE))),
        ("viewer-accession", text(of_study, tag::ACCESSION_NUMBER)),
    ];
    let series = firsts
        .iter()
        .map(|First { uid, shows, header }| Series {
            uid: uid.clone(),
            href: format!("{here}?series={uid}#picture"),
            label: label(header),
            thumbnail: format!("/dicomweb/studies/{study}/series/{uid}/thumbnail"),
            current: Some(uid.as_str()) == current,
            shows: *shows == Some(true),
        })
        .collect();
    let own = Choice {
        href: asked(place.unwrap_or(0) + 1, None),
        label: say.text("viewer-window-own"),
        current: window.is_none(),
        values: String::new(),
    };
    let is_ct = text(chosen, tag::MODALITY) == "CT";
    let preset = |(name, centre, width): (&str, i32, i32)| Choice {
        href: asked(place.unwrap_or(0) + 1, Some(name)),
        label: say.text(&format!("viewer-window-{name}")),
        current: named == Some(name),
        values: format!("{centre},{width}"),
    };
    let windows = std::iter::once(own).chain(WINDOWS.into_iter().filter(|_| is_ct).map(preset)).collect();
    Content {
        facts: facts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (say.text(key), value))
            .collect(),
        series,
        source,
        original: picture.map(Picture::original).unwrap_or_default(),
        unshown: unseen.is_some(),
        whys: [("kind", Unseen::Kind), ("broken", Unseen::Broken), ("later", Unseen::Later)]
            .map(|(why, kind)| (why, say.text(&format!("viewer-unshown-{why}")), unseen == Some(kind))),
        former: place.and_then(|place| place.checked_sub(1)).map(step),
        next: place.map(|place| place + 1).filter(|next| *next < pictures.len()).map(step),
        windows,
        count: pictures.len().to_string(),
        number: place.map_or(0, |place| place + 1).to_string(),
        here,
        cut,
        elsewhere: elsewhere(state.ohif_url.as_deref(), &state.base_url, study, say),
        patient: name(of_study, language),
        patient_id: text(of_study, tag::PATIENT_ID),
        shown: picture.is_some(),
        laterality: picture.map(|picture| picture.laterality.clone()).unwrap_or_default(),
        sides: sides.into_iter().enumerate().map(|(number, (place, letters))| (place, number, letters)).collect(),
        pictures,
        say,
    }
}

/// Where else a study can be opened.
fn elsewhere(ohif_url: Option<&str>, base_url: &str, study: &str, say: Speaker<'_>) -> Vec<(String, String)> {
    let ohif = ohif_url.iter().map(|url| {
        (format!("{}/viewer?StudyInstanceUIDs={study}", url.trim_end_matches('/')), say.text("viewer-open-ohif"))
    });
    // Weasis is told where to ask; it asks for the token itself.
    let weasis = format!("$dicom:rs --url \"{}/dicomweb\" -r \"studyUID={study}\"", base_url);
    let weasis: String = weasis.bytes().map(|byte| format!("%{byte:02X}")).collect();
    ohif.chain([(format!("weasis://{weasis}"), say.text("viewer-open-weasis"))]).collect()
}

/// Number, modality and description of a series.
fn label(header: &Map<String, Value>) -> String {
    let number = first_value(header, tag::SERIES_NUMBER).map(|number| format!("{number}.")).unwrap_or_default();
    let parts = [number, text(header, tag::MODALITY), text(header, tag::SERIES_DESCRIPTION)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn text(header: &Map<String, Value>, tag: Tag) -> String {
    first_value(header, tag).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The patient's name: in Chinese characters for those who read Chinese, where they are there; else as it is written first.
fn name(header: &Map<String, Value>, language: Language) -> String {
    let Some(groups) = first_value(header, tag::PATIENT_NAME) else { return String::new() };
    let group =
        |name: &str| groups.get(name).and_then(Value::as_str).map(|text| text.replace('^', " ").trim().to_owned());
    let (latin, chinese) = (group("Alphabetic"), group("Ideographic").map(|name| name.replace(' ', "")));
    match language {
        Language::English => [latin, chinese].into_iter().flatten().collect::<Vec<_>>().join(" "),
        Language::Chinese => chinese.or(latin).unwrap_or_default(),
    }
}

/// Whether a text holds marks that turn or hide text, so that the page says so beside it.
fn hides(text: &str) -> bool {
    causeway_core::marks::has_hidden(text)
}

/// `20261101` as `2026-11-01`.
fn day(text: &str) -> String {
    match (text.get(..4), text.get(4..6), text.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => text.to_owned(),
    }
}

fn framed(
    state: &ViewerState,
    language: Language,
    path: &str,
    title: &str,
    content: &impl Template,
) -> Result<Response, Fault> {
    let content = Fragment::of(content).map_err(|error| {
        tracing::error!(%error, "a page of images could not be rendered");
        Fault::Internal
    })?;
    let say = say(language);
    let place = |path: &str, key: &str, current: bool| NavigationPlace {
        href: format!("/{}{path}", language.prefix()),
        label: say.text(key),
        current,
    };
    let places = [place("/studies", "viewer-studies", true)];
    Ok(Page { language, path, title, places: &places, synthetic: state.synthetic, live: false, content }
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{differences, unused};

    #[test]
    fn both_languages_say_the_same_things_and_nothing_is_said_for_nobody() {
        assert_eq!(differences(&SOURCE), Vec::<String>::new());
        let users = [
            include_str!("viewer.rs"),
            include_str!("viewer/list.rs"),
            include_str!("../templates/study.html"),
            include_str!("../templates/studies.html"),
        ];
        let windows = WINDOWS.iter().map(|(name, _, _)| format!("viewer-window-{name}"));
        let whys = ["kind", "broken", "later"].map(|why| format!("viewer-unshown-{why}"));
        let composed: Vec<String> = windows.chain(whys).collect();
        assert_eq!(unused(&SOURCE, &users.map(str::to_owned), &composed), Vec::<String>::new());
    }

    #[test]
    fn studies_are_opened_elsewhere_as_the_viewers_want_to_be_told() {
        let say = say(Language::English);
        let links = elsewhere(Some("https://viewer.example/ohif/"), "http://127.0.0.1:8080", "1.2.3", say);
        assert_eq!(links[0].0, "https://viewer.example/ohif/viewer?StudyInstanceUIDs=1.2.3");
        let coded = links[1].0.strip_prefix("weasis://").expect("the scheme Weasis registers");
        let command: String = coded
            .split('%')
            .skip(1)
            .map(|byte| char::from(u8::from_str_radix(byte, 16).expect("two digits each")))
            .collect();
        assert_eq!(command, "$dicom:rs --url \"http://127.0.0.1:8080/dicomweb\" -r \"studyUID=1.2.3\"");
        assert_eq!(elsewhere(None, "http://127.0.0.1:8080", "1.2.3", say).len(), 1, "OHIF only where it is installed");
    }

    #[test]
    fn names_and_days_are_shown_as_people_read_them() {
        let header = serde_json::json!({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "CHAN^TAI MAN", "Ideographic": "陳^大文"}]}});
        let header = header.as_object().expect("an object");
        assert_eq!(name(header, Language::Chinese), "陳大文");
        assert_eq!(name(header, Language::English), "CHAN TAI MAN 陳大文");
        assert_eq!((day("20261101"), day("2026")), ("2026-11-01".to_owned(), "2026".to_owned()));
    }
}
