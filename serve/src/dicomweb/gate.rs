//! May this reader see this person's images, now? And the audit line, before anything leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::decision::{Decision, Verdict};
use causeway_core::dicom::instance::{InstanceQuery, InstanceRow, StudyQuery, StudyRow};
use causeway_core::dicom::uid::Uid;
use causeway_core::person::PersonId;
use causeway_core::policy::{Access, access_under};
use causeway_core::port::{Actor, AuditEntry};
use causeway_core::provider::Provider;
use causeway_core::scope::Domain;

use super::Imaging;
use super::answer::Fault;
use super::reader::Reader;

/// The action of the audit lines.
const ACTION: &str = "read-images";
/// Persons that may have a study under one UID; more are no study at all.
const PERSONS_MAX: u32 = 16;

/// One request of a reader: decisions are taken once in it.
pub(crate) struct Gate {
    imaging: Arc<Imaging>,
    reader: Reader,
    provider: Option<Provider>,
    decided: BTreeMap<PersonId, Decision>,
}

/// What is read, as the audit tells it: identifiers, never content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'s> {
    /// `search`, `metadata`, `files`, `frames`, `bulk-data`, `rendered`.
    pub(crate) what: &'static str,
    pub(crate) study: &'s str,
    pub(crate) series: Option<&'s str>,
    pub(crate) instance: Option<&'s str>,
}

impl Gate {
    /// For a request. May block.
    pub(crate) fn open(imaging: &Arc<Imaging>, reader: Reader) -> Result<Self, Fault> {
        let provider = imaging.registry.provider(&reader.provider)?;
        Ok(Self { imaging: Arc::clone(imaging), reader, provider, decided: BTreeMap::new() })
    }

    /// Whether the reader may see images of a person.
    pub(crate) fn may_see(&mut self, person: PersonId) -> Result<bool, Fault> {
        if let Some(decision) = self.decided.get(&person) {
            return Ok(decision.permits());
        }
        let participant = self.imaging.registry.person(person)?;
        let question = Access {
            provider: self.provider.as_ref(),
            standing: participant.as_ref().map(|participant| &participant.standing),
            domain: Domain::RadiologyImage,
            at: self.imaging.clock.now(),
        };
        let decision = access_under(&question, self.imaging.rules);
        let permits = decision.permits();
        self.decided.insert(person, decision);
        Ok(permits)
    }

    /// Whose study it is, after the audit line was written. What may not be seen is not there; that it was asked for is audited
    /// too.
    pub(crate) fn enter(&mut self, subject: Subject<'_>) -> Result<PersonId, Fault> {
        let study = Uid::parse(subject.study).map_err(|_fault| Fault::NotFound)?;
        let query = StudyQuery { study: Some(study), limit: PERSONS_MAX, ..StudyQuery::default() };
        let rows: Vec<StudyRow> = self.imaging.images.studies(&query)?;
        let mut seen = Vec::new();
        for row in &rows {
            if self.may_see(row.person)? {
                seen.push(row.person);
            }
        }
        match (seen.as_slice(), rows.as_slice()) {
            ([person], _) => {
                self.audit(*person, subject)?;
                Ok(*person)
            }
            ([], rows) => {
                for row in rows {
                    self.audit(row.person, subject)?;
                }
                Err(Fault::NotFound)
            }
            (_, _) => Err(Fault::Conflict(
                "images of several persons came under this Study Instance UID: their sender must say",
            )),
        }
    }

    /// Writes the line of a decision: the reader gets what is asked for, or not.
    pub(crate) fn audit(&mut self, person: PersonId, subject: Subject<'_>) -> Result<(), Fault> {
        self.may_see(person)?;
        let Some(decision) = self.decided.get(&person) else { return Err(Fault::Internal) };
        let verdict = match decision.verdict {
            Verdict::Permit => "permit",
            Verdict::Withhold(reason) => reason.code(),
        };
        let mut detail: BTreeMap<String, String> = [
            ("what", subject.what),
            ("study", subject.study),
            ("provider", self.reader.provider.0.as_str()),
            ("verdict", verdict),
            ("rule", decision.rule.as_ref()),
            ("policy", decision.policy.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, value) in [("series", subject.series), ("instance", subject.instance)] {
            // What is no identifier is whatever a client made up.
            if let Some(uid) = value.and_then(|value| Uid::parse(value).ok()) {
                detail.insert(name.to_owned(), uid.to_string());
            }
        }
        let actor = Actor(format!("reader:{}", self.reader.name));
        let entry =
            AuditEntry { at: self.imaging.clock.now(), actor, action: ACTION.to_owned(), person: Some(person), detail };
        self.imaging.repository.audit(&entry)?;
        Ok(())
    }
}

/// Instances of a query, page by page; of different ones under one UID the first.
pub(crate) struct Pages {
    imaging: Arc<Imaging>,
    query: InstanceQuery,
    over: bool,
    last: Option<Uid>,
}

impl Pages {
    pub(crate) fn new(imaging: &Arc<Imaging>, query: InstanceQuery) -> Self {
        Self { imaging: Arc::clone(imaging), query, over: false, last: None }
    }

    /// Whether no page is left.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// The next page; empty when there is none.
    pub(crate) fn next(&mut self) -> Result<Vec<InstanceRow>, Fault> {
        while !self.over {
            let mut rows = self.imaging.images.instances(&self.query)?;
            self.over = u32::try_from(rows.len()).unwrap_or(u32::MAX) < self.query.limit;
            let Some(last) = rows.last() else { break };
            self.query.after = Some((last.instance.series.clone(), last.instance.instance.clone(), last.position));
            rows.retain(|row| {
                let new = self.last.as_ref() != Some(&row.instance.instance);
                self.last = Some(row.instance.instance.clone());
                new
            });
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(Vec::new())
    }
}

/// What a path names.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Place {
    pub(crate) study: String,
    pub(crate) series: Option<String>,
    pub(crate) instance: Option<String>,
}

impl Place {
    pub(crate) fn subject<'s>(&'s self, what: &'static str) -> Subject<'s> {
        Subject { what, study: &self.study, series: self.series.as_deref(), instance: self.instance.as_deref() }
    }

    /// Its instances, of one person.
    pub(crate) fn query(&self, person: PersonId, metadata: bool, limit: u32) -> Result<InstanceQuery, Fault> {
        let uid = |text: &String| Uid::parse(text).map_err(|_fault| Fault::NotFound);
        Ok(InstanceQuery {
            series: self.series.as_ref().map(uid).transpose()?,
            instance: self.instance.as_ref().map(uid).transpose()?,
            person: Some(person),
            metadata,
            ..InstanceQuery::of(uid(&self.study)?, limit)
        })
    }
}
