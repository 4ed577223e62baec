//! The list of studies: the newest first, page by page, and a search in it. What is searched for is a patient's, so it is sent
//! as a form and stands in no address; nothing of it needs a script.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, State};
use causeway_core::dicom::instance::{InstanceQuery, StudyQuery, StudyRow};
use causeway_core::dicom::tag;
use causeway_core::dicom::uid::Uid;
use causeway_core::person::PersonId;
use causeway_core::phi::Phi;
use serde::Deserialize;

use super::{Told, ViewerState, day, framed, name, say, text};
use crate::dicomweb::{Fault, Gate, Imaging, Reader, Subject, away, header};
use crate::language::{Language, Speaker};

/// Studies of a page.
const LISTED: usize = 50;
/// Studies looked at for one page: more may be another person's. The next page goes on behind them.
const LOOKED_AT: usize = 5000;
/// Studies asked for at once.
const AT_ONCE: u32 = 200;

/// What is asked for, as it is written into the form.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    patient_id: Phi<String>,
    accession: Phi<String>,
    since: String,
    until: String,
    modality: String,
    /// The place the page goes on from: date, study, person, with blanks between.
    after: String,
}

/// Where a list goes on: behind this study.
type After = (String, Uid, PersonId);

impl Asked {
    /// As the index is asked. `None` when a date is none.
    fn query(&self) -> Option<StudyQuery> {
        let number = |text: &Phi<String>| match text.expose().trim() {
            "" => None,
            text => Some(Phi::new(text.to_owned())),
        };
        let modality = self.modality.trim().to_ascii_uppercase();
        Some(StudyQuery {
            accession: number(&self.accession),
            patient_id: number(&self.patient_id),
            since: date(&self.since)?,
            until: date(&self.until)?,
            modality: (!modality.is_empty()).then_some(modality),
            after: after(&self.after),
            limit: AT_ONCE,
            ..StudyQuery::default()
        })
    }

    fn is_set(&self) -> bool {
        [&self.since, &self.until, &self.modality].iter().any(|text| !text.trim().is_empty())
            || [&self.patient_id, &self.accession].iter().any(|text| !text.expose().trim().is_empty())
    }
}

/// `2026-11-01` as `20261101`; nothing for nothing. `None` when it is no date.
fn date(text: &str) -> Option<Option<String>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    Some(Some(date.strftime("%Y%m%d").to_string()))
}

/// What [`place`] wrote; anything else is the beginning.
fn after(text: &str) -> Option<After> {
    let mut parts = text.split(' ');
    let (date, study, person) = (parts.next()?, parts.next()?, parts.next()?);
    Some((date.to_owned(), Uid::parse(study).ok()?, PersonId(person.parse().ok()?)))
}

fn place((date, study, person): &After) -> String {
    format!("{date} {study} {}", person.0)
}

/// A study of the list.
struct Listed {
    href: String,
    date: String,
    modalities: String,
    description: String,
    patient: String,
    patient_id: String,
    images: String,
}

#[derive(Template)]
#[template(path = "studies.html")]
struct List<'a> {
    say: Speaker<'a>,
    asked: Asked,
    bad_date: bool,
    studies: Vec<Listed>,
    older: Option<String>,
}

/// The newest.
pub(super) async fn newest(state: State<Arc<ViewerState>>, language: Language, reader: Reader) -> Told {
    page(state, language, reader, Asked::default()).await
}

/// What a form asks for.
pub(super) async fn found(
    state: State<Arc<ViewerState>>,
    language: Language,
    reader: Reader,
    Form(asked): Form<Asked>,
) -> Told {
    page(state, language, reader, asked).await
}

async fn page(State(state): State<Arc<ViewerState>>, language: Language, reader: Reader, asked: Asked) -> Told {
    let (imaging, query) = (Arc::clone(&state.imaging), asked.query());
    let bad_date = query.is_none();
    let (studies, older) = match query {
        Some(query) => away(move || search(&imaging, reader, query, language)).await?,
        None => (Vec::new(), None),
    };
    let say = say(language);
    let title = say.text("viewer-studies");
    let older = older.as_ref().map(place);
    Ok(framed(&state, language, "/studies", &title, &List { say, asked, bad_date, studies, older })?)
}

/// A page of what the reader may see, and where the next one begins if there may be one.
fn search(
    imaging: &Arc<Imaging>,
    reader: Reader,
    mut query: StudyQuery,
    language: Language,
) -> Result<(Vec<Listed>, Option<After>), Fault> {
    let mut gate = Gate::open(imaging, reader)?;
    let (mut listed, mut looked_at) = (Vec::new(), 0);
    loop {
        let rows = imaging.images.studies(&query)?;
        if rows.is_empty() {
            return Ok((listed, None));
        }
        for row in rows {
            if looked_at >= LOOKED_AT {
                return Ok((listed, query.after));
            }
            looked_at += 1;
            if gate.may_see(row.person)? {
                if listed.len() >= LISTED {
                    return Ok((listed, query.after));
                }
                let study = row.study.as_str();
                gate.audit(row.person, Subject { what: "search", study, series: None, instance: None })?;
                listed.extend(one_listed(imaging, &row, language)?);
            }
            query.after = Some((row.date, row.study, row.person));
        }
    }
}

fn one_listed(imaging: &Imaging, row: &StudyRow, language: Language) -> Result<Option<Listed>, Fault> {
    let query = InstanceQuery { person: Some(row.person), metadata: true, ..InstanceQuery::of(row.study.clone(), 1) };
    let rows = imaging.images.instances(&query)?;
    Ok(rows.first().map(header).map(|header| Listed {
        href: format!("/{}/studies/{}", language.prefix(), row.study),
        date: day(&row.date),
        modalities: row.modalities.join(", "),
        description: text(&header, tag::STUDY_DESCRIPTION),
        patient: name(&header, language),
        patient_id: text(&header, tag::PATIENT_ID),
        images: crate::language::grouped(&row.instances.to_string()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_the_index_is_asked() {
        let asked = Asked {
            patient_id: Phi::new(" H1 ".to_owned()),
            since: "2026-11-01".to_owned(),
            modality: "ct".to_owned(),
            after: "20261101 1.2.3 7".to_owned(),
            ..Asked::default()
        };
        let query = asked.query().expect("a query");
        assert_eq!(query.patient_id, Some(Phi::new("H1".to_owned())));
        assert_eq!((query.since.as_deref(), query.until, query.accession), (Some("20261101"), None, None));
        assert_eq!(query.modality.as_deref(), Some("CT"));
        assert_eq!(query.after.as_ref().map(place).as_deref(), Some("20261101 1.2.3 7"));
        assert!(asked.is_set() && !Asked::default().is_set());
        assert!(Asked { until: "2026-13-01".to_owned(), ..Asked::default() }.query().is_none(), "no date");
        assert_eq!(after("20261101 ../etc 7"), None);
        assert_eq!(after(" 1.2 9").map(|(date, _, _)| date), Some(String::new()), "studies without a date come last");
    }
}
