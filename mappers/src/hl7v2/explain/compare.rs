//! What differs between what a message becomes and what the message with one value changed becomes.

use std::collections::BTreeMap;

use causeway_core::mapped::{Identity, Mapped};
use causeway_core::record::Record;
use serde_json::Value;

use super::Effect;

/// Every value of a resource by its path.
type Leaves = BTreeMap<String, String>;

/// What the message becomes as it is.
#[derive(Debug)]
pub(super) struct Baseline {
    mapped: Mapped,
    leaves: Vec<Leaves>,
}

impl Baseline {
    pub(super) fn new(mapped: Mapped) -> Self {
        let leaves = mapped.records.iter().map(leaves).collect();
        Self { mapped, leaves }
    }

    pub(super) fn into_mapped(self) -> Mapped {
        self.mapped
    }

    /// What stands at the places among these effects.
    pub(super) fn words_at(&self, effects: &[Effect]) -> Vec<&str> {
        let at = |effect: &Effect| match effect {
            Effect::Path { record, path } => self.leaves.get(*record)?.get(path).map(String::as_str),
            Effect::Key { .. }
            | Effect::Made { .. }
            | Effect::Version { .. }
            | Effect::Identity(_)
            | Effect::Message(_)
            | Effect::References(_) => None,
        };
        effects.iter().filter_map(at).collect()
    }

    /// What is here and is not there, or not the same.
    pub(super) fn effects(&self, other: &Mapped) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.of_message(other, &mut effects);
        let mut references = 0;
        for (record, partner) in self.pairs(other) {
            let Some(mine) = self.mapped.records.get(record) else { continue };
            let Some(theirs) = partner else {
                effects.push(Effect::Made { record });
                continue;
            };
            if mine.key != theirs.key {
                effects.push(Effect::Key { record });
            }
            versions(record, mine, theirs, &mut effects);
            references += self.paths(record, theirs, &mut effects);
        }
        if references > 0 {
            effects.push(Effect::References(references));
        }
        effects
    }

    fn of_message(&self, other: &Mapped, effects: &mut Vec<Effect>) {
        let mine = &self.mapped;
        let differs = [
            (mine.control_id != other.control_id, "control id"),
            (mine.kind != other.kind, "type"),
            (mine.pending != other.pending, "document to fetch"),
            (mine.attachments != other.attachments, "document"),
        ];
        effects.extend(differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| Effect::Message(what)));
        // When nobody is there any more, that is told by the records.
        if let (Some(mine), Some(theirs)) = (&mine.identity, &other.identity) {
            identity(mine, theirs, effects);
        }
    }

    /// Each record of ours with theirs of the same key; what is left over on both sides is paired by type, in order:
    /// its key is another one.
    fn pairs<'o>(&self, other: &'o Mapped) -> Vec<(usize, Option<&'o Record>)> {
        let mut left: Vec<&Record> = other.records.iter().collect();
        let mut take = |wanted: &dyn Fn(&Record) -> bool| {
            let found = left.iter().position(|record| wanted(record))?;
            Some(left.remove(found))
        };
        let same: Vec<_> = self.mapped.records.iter().map(|mine| take(&|theirs| theirs.key == mine.key)).collect();
        let pairs = self.mapped.records.iter().zip(same).zip(0..).map(|((mine, same), record)| {
            (record, same.or_else(|| take(&|theirs| theirs.key.resource_type() == mine.key.resource_type())))
        });
        pairs.collect()
    }

    /// The places of a resource that differ, and how many references do.
    fn paths(&self, record: usize, theirs: &Record, effects: &mut Vec<Effect>) -> usize {
        let (Some(mine), Some(before)) = (self.mapped.records.get(record), self.leaves.get(record)) else { return 0 };
        if mine.resource.text() == theirs.resource.text() {
            return 0;
        }
        let after = leaves(theirs);
        let mut references = 0;
        for (path, _) in before.iter().filter(|(path, value)| after.get(*path) != Some(*value)) {
            match path.rsplit('.').next() {
                Some("reference") => references += 1,
                // The id follows from the key.
                Some("id") if path.matches('.').count() == 1 => {}
                Some(_) | None => effects.push(Effect::Path { record, path: path.clone() }),
            }
        }
        references
    }
}

fn identity(mine: &Identity, theirs: &Identity, effects: &mut Vec<Effect>) {
    let (ours, others) = (&mine.demographics, &theirs.demographics);
    let differs = [
        (mine.documents != theirs.documents, "documents"),
        (mine.local_numbers != theirs.local_numbers, "local numbers"),
        (ours.family != others.family || ours.given != others.given, "English name"),
        (ours.chinese != others.chinese, "Chinese name"),
        (ours.birth != others.birth, "birth date"),
        (ours.sex != others.sex, "sex"),
    ];
    effects.extend(differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| Effect::Identity(what)));
}

fn versions(record: usize, mine: &Record, theirs: &Record, effects: &mut Vec<Effect>) {
    let differs = [
        (mine.domain != theirs.domain, "domain"),
        (mine.clock.rank != theirs.clock.rank, "rank"),
        (mine.clock.at != theirs.clock.at, "time of the version"),
        (mine.clinical_date != theirs.clinical_date, "clinical date"),
        (mine.level != theirs.level, "level"),
        (mine.retracted != theirs.retracted, "retracted"),
    ];
    effects
        .extend(differs.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| Effect::Version { record, part }));
}

/// The values of a resource: `Patient.name[0].family`.
fn leaves(record: &Record) -> Leaves {
    let mut leaves = Leaves::new();
    gather(record.key.resource_type(), &record.resource.value(), &mut leaves);
    leaves
}

/// As deep as a resource is, which is bounded by the mappers.
fn gather(path: &str, value: &Value, leaves: &mut Leaves) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| gather(&format!("{path}.{name}"), value, leaves))
        }
        Value::Array(items) => {
            items.iter().zip(0_usize..).for_each(|(value, at)| gather(&format!("{path}[{at}]"), value, leaves))
        }
        Value::String(text) => drop(leaves.insert(path.to_owned(), text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => drop(leaves.insert(path.to_owned(), value.to_string())),
    }
}
