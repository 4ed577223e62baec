//! What instances of one study do to each other: rejection notes hide others (IHE Imaging Object Change Management),
//! corrections take the place of what they correct, and one SOP Instance UID with two contents is a conflict.
//!
//! All of it is told from what is kept, never from the order in which it was stored: a note may come before what it rejects,
//! and a repository that is built again from the log says the same. Nothing is ever removed by it; what is hidden is kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instance::InstanceRow;
use super::uid::Uid;
use crate::envelope::{Digest, Position};

/// The SOP class of rejection notes: Key Object Selection Document.
pub const KEY_OBJECT_SELECTION: &str = "1.2.840.10008.5.1.4.1.1.88.59";

/// The document titles of rejection notes (PS3.16 CID 7011), of the coding scheme `DCM`.
pub const REJECTIONS: [(&str, &str); 4] = [
    ("113001", "Rejected for Quality Reasons"),
    ("113037", "Rejected for Patient Safety Reasons"),
    ("113038", "Incorrect Modality Worklist Entry"),
    ("113039", "Data Retention Policy Expired"),
];

/// What an instance may do to others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When it was received. Missing in what was indexed before there were changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// Its feed sends corrections: it takes the place of what came before it under its UID.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrects: bool,
    /// It is a rejection note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Rejection>,
}

impl Change {
    /// Whether there is nothing to say.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What a rejection note says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The code of its title: one of [`REJECTIONS`].
    pub code: String,
    /// Series and instances of its own study that it rejects.
    pub instances: BTreeSet<(Uid, Uid)>,
}

/// Why readers do not find an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hidden {
    /// A note of its provider rejects it.
    Rejected,
    /// It is such a note.
    Note,
    /// Another one stands under its UID: the first, or the newest where the feed sends corrections.
    Superseded,
    /// The same file came by another way too.
    Again,
    /// An operator rejected it ([`super::ruling`]).
    ByHand,
}

impl Hidden {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rejected, Self::Note, Self::Superseded, Self::Again, Self::ByHand];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Note => "note",
            Self::Superseded => "superseded",
            Self::Again => "again",
            Self::ByHand => "rejected-by-hand",
        }
    }

    /// The one of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hidden| hidden.as_str() == word)
    }
}

/// How instances under one SOP Instance UID differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conflict {
    /// They are of two studies.
    Study,
    /// They are of two series.
    Series,
    /// Their contents differ.
    Content,
    /// Their contents differ, and all but the first came by a feed that sends corrections.
    Corrected,
}

impl Conflict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Study, Self::Series, Self::Content, Self::Corrected];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Study => "study",
            Self::Series => "series",
            Self::Content => "content",
            Self::Corrected => "corrected",
        }
    }

    /// The one of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|conflict| conflict.as_str() == word)
    }
}

/// Which instances of one study and person are hidden, and why. Those that are not there are shown. `ruled` are the UIDs
/// under which operators rejected what there is; a note that is among it rejects nothing.
pub fn hidden(rows: &[InstanceRow], ruled: &BTreeSet<Uid>) -> BTreeMap<Position, Hidden> {
    let is_ruled = |row: &&InstanceRow| row.instance.uids().into_iter().any(|uid| ruled.contains(uid));
    let (by_hand, rows): (Vec<&InstanceRow>, Vec<&InstanceRow>) = rows.iter().partition(is_ruled);
    let notes = notes_in_force(&rows);
    let mut hidden: BTreeMap<_, _> = by_hand.iter().map(|row| (row.position, Hidden::ByHand)).collect();
    let mut versions: BTreeMap<_, Vec<&InstanceRow>> = BTreeMap::new();
    for row in rows {
        if row.instance.change.rejects.is_some() {
            hidden.insert(row.position, Hidden::Note);
        } else if notes.iter().any(|note| rejects(note, row)) {
            hidden.insert(row.position, Hidden::Rejected);
        } else {
            versions.entry((&row.provider.0, &row.instance.series, &row.instance.instance)).or_default().push(row);
        }
    }
    for mut versions in versions.into_values() {
        versions.sort_by_key(|row| came(row));
        let newest = versions.iter().rev().find(|row| row.instance.change.corrects);
        let Some(shown) = newest.or(versions.first()).copied() else { continue };
        for row in versions.iter().filter(|row| row.position != shown.position) {
            let same = row.instance.blob == shown.instance.blob;
            hidden.insert(row.position, if same { Hidden::Again } else { Hidden::Superseded });
        }
    }
    hidden
}

/// Which of the instances under one SOP Instance UID, of whatever study, contradict each other. What was rejected, by
/// [`InstanceRow::hidden`], contradicts nothing.
pub fn conflicts(rows: &[InstanceRow]) -> BTreeMap<Position, Conflict> {
    let stands = |row: &&InstanceRow| !matches!(row.hidden, Some(Hidden::Rejected | Hidden::ByHand));
    let mut rows: Vec<&InstanceRow> = rows.iter().filter(stands).collect();
    rows.sort_by_key(|row| came(row));
    let differ = |of: fn(&InstanceRow) -> String| rows.iter().map(|row| of(row)).collect::<BTreeSet<_>>().len() > 1;
    let blobs: BTreeSet<Digest> = rows.iter().map(|row| row.instance.blob).collect();
    if blobs.len() < 2 {
        return BTreeMap::new();
    }
    let conflict = if differ(|row| format!("{} {}", row.person.0, row.instance.study)) {
        Conflict::Study
    } else if differ(|row| row.instance.series.to_string()) {
        Conflict::Series
    } else if rows.iter().skip(1).all(|row| row.instance.change.corrects) {
        Conflict::Corrected
    } else {
        Conflict::Content
    };
    rows.into_iter().map(|row| (row.position, conflict)).collect()
}

/// The notes that hold. One that a later note rejects is taken back.
fn notes_in_force<'r>(rows: &[&'r InstanceRow]) -> Vec<&'r InstanceRow> {
    let mut notes: Vec<&InstanceRow> =
        rows.iter().copied().filter(|row| row.instance.change.rejects.is_some()).collect();
    notes.sort_by_key(|row| std::cmp::Reverse(came(row)));
    let mut in_force: Vec<&InstanceRow> = Vec::new();
    for note in notes {
        if !in_force.iter().any(|later| rejects(later, note)) {
            in_force.push(note);
        }
    }
    in_force
}

/// Nobody rejects what another provider sent.
fn rejects(note: &InstanceRow, row: &InstanceRow) -> bool {
    let named = |rejection: &Rejection| {
        rejection.instances.contains(&(row.instance.series.clone(), row.instance.instance.clone()))
    };
    note.provider == row.provider && note.instance.change.rejects.as_ref().is_some_and(named)
}

/// The order in which instances came, over all partitions.
pub fn came(row: &InstanceRow) -> (Option<Timestamp>, Position) {
    (row.instance.change.received_at, row.position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::instance::{Instance, Search};
    use crate::envelope::{Offset, PartitionId};
    use crate::person::PersonId;
    use crate::phi::Phi;
    use crate::provider::ProviderId;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).expect("a uid")
    }

    /// Instance `1.2.1.{number}` of study 1.2, with this content, received at this second.
    fn row(number: u32, content: &str, second: i64) -> InstanceRow {
        let instance = Instance {
            study: uid("1.2"),
            series: uid("1.2.1"),
            instance: uid(&format!("1.2.1.{number}")),
            class: uid("1.2.840.10008.5.1.4.1.1.2"),
            transfer_syntax: uid("1.2.840.10008.1.2.1"),
            blob: Digest::of(content.as_bytes()),
            bytes: 1,
            data_set_at: 1,
            pixels: None,
            search: Search::default(),
            change: Change { received_at: Timestamp::from_second(second).ok(), ..Change::default() },
            cut: false,
            metadata: Phi::default(),
        };
        // Positions say nothing of the order over partitions.
        let position = Position {
            partition: PartitionId(u16::try_from(97 - second).expect("small")),
            offset: Offset(second.unsigned_abs()),
        };
        let provider = ProviderId("1000000001".to_owned());
        InstanceRow { position, person: PersonId(1), provider, instance, hidden: None, conflict: None }
    }

    fn note(number: u32, second: i64, rejected: &[u32]) -> InstanceRow {
        let mut note = row(number, "note", second);
        let instances = rejected.iter().map(|number| (uid("1.2.1"), uid(&format!("1.2.1.{number}")))).collect();
        note.instance.change.rejects = Some(Rejection { code: "113001".to_owned(), instances });
        note
    }

    fn told(rows: &[InstanceRow]) -> Vec<Option<&'static str>> {
        ruled(rows, &[])
    }

    fn ruled(rows: &[InstanceRow], uids: &[&str]) -> Vec<Option<&'static str>> {
        let hidden = hidden(rows, &uids.iter().map(|text| uid(text)).collect());
        rows.iter().map(|row| hidden.get(&row.position).map(|hidden| hidden.as_str())).collect()
    }

    #[test]
    fn a_note_hides_what_it_names_and_itself_whatever_came_first() {
        assert_eq!(told(&[row(1, "a", 1), row(2, "b", 2), note(9, 3, &[1])]), [Some("rejected"), None, Some("note")]);
        assert_eq!(told(&[note(9, 1, &[1]), row(2, "b", 2), row(1, "a", 3)]), [Some("note"), None, Some("rejected")]);
    }

    #[test]
    fn a_note_is_taken_back_by_a_later_note_that_rejects_it_and_that_one_by_a_third() {
        let mut rows = vec![row(1, "a", 1), note(7, 2, &[1]), note(8, 3, &[7])];
        assert_eq!(told(&rows), [None, Some("note"), Some("note")]);
        rows.push(note(9, 4, &[8]));
        assert_eq!(told(&rows), [Some("rejected"), Some("note"), Some("note"), Some("note")]);
        // Two that reject each other: the later one holds.
        assert_eq!(told(&[row(1, "a", 1), note(7, 2, &[1, 8]), note(8, 3, &[7])])[0], None);
    }

    #[test]
    fn what_an_operator_rejects_is_hidden_by_its_study_its_series_or_itself() {
        let rows = [row(1, "a", 1), row(1, "b", 2), row(2, "c", 3)];
        let by_hand = Some("rejected-by-hand");
        assert_eq!(ruled(&rows, &["1.2.1.1"]), [by_hand, by_hand, None], "whatever its content");
        assert_eq!(ruled(&rows, &["1.2.1"]), [by_hand; 3]);
        assert_eq!(ruled(&rows, &["1.2", "1.2.1.2"]), [by_hand; 3]);
        assert_eq!(ruled(&rows, &["1.3"]), [None, Some("superseded"), None]);
        let rows = [row(1, "a", 1), note(9, 2, &[1])];
        assert_eq!(ruled(&rows, &["1.2.1.9"]), [None, by_hand], "a note that is rejected rejects nothing");
    }

    #[test]
    fn nobody_rejects_what_another_provider_sent() {
        let mut theirs = row(1, "a", 1);
        theirs.provider = ProviderId("1000000002".to_owned());
        assert_eq!(told(&[theirs, note(9, 2, &[1])]), [None, Some("note")]);
    }

    #[test]
    fn of_two_contents_the_first_stays_unless_the_feed_sends_corrections() {
        let rows = [row(1, "b", 2), row(1, "a", 1), row(1, "a", 3)];
        assert_eq!(told(&rows), [Some("superseded"), None, Some("again")]);
        assert!(conflicts(&rows).values().all(|conflict| *conflict == Conflict::Content));
        let mut corrected = rows;
        corrected[0].instance.change.corrects = true;
        assert_eq!(told(&corrected), [None, Some("superseded"), Some("superseded")]);
        assert_eq!(conflicts(&corrected[..2]).values().collect::<Vec<_>>(), [&Conflict::Corrected; 2]);
    }

    #[test]
    fn one_uid_in_two_series_or_studies_is_a_conflict_and_the_same_file_twice_is_none() {
        let mut other = row(1, "b", 2);
        other.instance.series = uid("1.2.2");
        assert_eq!(told(&[row(1, "a", 1), other.clone()]), [None, None], "both are found where they are");
        assert_eq!(conflicts(&[row(1, "a", 1), other.clone()])[&other.position], Conflict::Series);
        other.instance.study = uid("1.3");
        assert_eq!(conflicts(&[row(1, "a", 1), other.clone()])[&other.position], Conflict::Study);
        assert!(conflicts(&[row(1, "a", 1), row(1, "a", 2)]).is_empty());
        other.hidden = Some(Hidden::Rejected);
        assert!(conflicts(&[row(1, "a", 1), other]).is_empty(), "a rejected one contradicts nothing");
    }
}
