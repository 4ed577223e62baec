//! The series of a study and the pictures of the one that is shown, from one walk over its instances. However large the
//! study is, no more pictures are kept than a page leads to.

use causeway_core::dicom::instance::InstanceRow;
use causeway_core::dicom::tag;
use serde_json::{Map, Value};

use super::image::{self, Picture};
use super::{FRAMES_MAX, first_value};
use crate::dicomweb::header;

/// A series as its first instance tells of it.
pub(super) struct First {
    pub(super) uid: String,
    /// Whether a picture can be made of its first instance with pixels, as far as a header tells; `None` without one.
    pub(super) shows: Option<bool>,
    pub(super) header: Map<String, Value>,
}

impl First {
    fn number(&self) -> Option<i64> {
        first_value(&self.header, tag::SERIES_NUMBER).and_then(Value::as_i64)
    }
}

/// What a walk over the instances of a study has gathered; they come series by series.
#[derive(Default)]
pub(super) struct Gathered {
    wanted: Option<String>,
    series: Vec<First>,
    /// Which series is the best to show so far, by its place, and its pictures.
    shown: Option<(usize, Vec<Picture>)>,
}

impl Gathered {
    /// Nothing yet; `wanted` is the series to show, if the study has it.
    pub(super) fn new(wanted: Option<String>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// One more instance.
    pub(super) fn take(&mut self, row: &InstanceRow) {
        let (uid, header) = (row.instance.series.to_string(), header(row));
        let has_pictures = row.instance.search.frames > 0;
        let pictures = if has_pictures { image::pictures(row, &header) } else { Vec::new() };
        // The thumbnail is of the first instance with pixels.
        let shows = pictures.first().map(|picture| !picture.unshown);
        match self.series.last_mut() {
            Some(last) if last.uid == uid => last.shows = last.shows.or(shows),
            Some(_) | None => self.series.push(First { uid, shows, header }),
        }
        if !has_pictures {
            return;
        }
        let here = self.series.len().saturating_sub(1);
        match &mut self.shown {
            Some((place, kept)) if *place == here => {
                if kept.len() <= FRAMES_MAX {
                    kept.extend(pictures);
                }
            }
            shown => {
                if shown.as_ref().is_none_or(|(place, _)| {
                    rank(&self.series, &self.wanted, here) < rank(&self.series, &self.wanted, *place)
                }) {
                    *shown = Some((here, pictures));
                }
            }
        }
    }

    /// The series by number, the one that is shown, its pictures in order, and whether some were left out. `None`
    /// for a study of no instance.
    pub(super) fn end(self) -> Option<Study> {
        let Self { wanted, mut series, shown } = self;
        let best = shown.as_ref().and_then(|(place, _)| series.get(*place)).map(|first| first.uid.clone());
        let asked = wanted.filter(|wanted| series.iter().any(|first| first.uid == *wanted));
        let current = asked.or_else(|| best.clone());
        let mut pictures = shown.filter(|_| best == current).map(|(_, pictures)| pictures).unwrap_or_default();
        pictures.sort_by_key(|picture| (picture.number, picture.frame));
        let cut = pictures.len() > FRAMES_MAX;
        pictures.truncate(FRAMES_MAX);
        series.sort_by_key(First::number);
        (!series.is_empty()).then_some(Study { series, current, pictures, cut })
    }
}

/// The wanted series comes first, then they go by number, as they are listed.
fn rank(series: &[First], wanted: &Option<String>, place: usize) -> (bool, Option<i64>, usize) {
    let first = series.get(place);
    let is_wanted = first.is_some_and(|first| Some(&first.uid) == wanted.as_ref());
    (!is_wanted, first.and_then(First::number), place)
}

/// A study as its page shows it.
pub(super) struct Study {
    pub(super) series: Vec<First>,
    pub(super) current: Option<String>,
    pub(super) pictures: Vec<Picture>,
    /// Whether the series has more pictures than a page leads to.
    pub(super) cut: bool,
}

#[cfg(test)]
mod tests {
    use causeway_core::dicom::instance::{Instance, Search};
    use causeway_core::dicom::uid::Uid;
    use causeway_core::envelope::{Digest, Offset, PartitionId, Position};
    use causeway_core::person::PersonId;
    use causeway_core::phi::Phi;
    use causeway_core::provider::ProviderId;

    use super::*;

    fn row(series: u32, series_number: u32, instance: u32, frames: u32) -> InstanceRow {
        let uid = |text: String| Uid::parse(&text).unwrap();
        InstanceRow {
            position: Position { partition: PartitionId(0), offset: Offset(1) },
            person: PersonId(1),
            provider: ProviderId("8888888891".to_owned()),
            hidden: None,
            conflict: None,
            instance: Instance {
                study: uid("1.2".to_owned()),
                series: uid(format!("1.2.{series}")),
                instance: uid(format!("1.2.{series}.{instance}")),
                class: uid("1.2.840.10008.5.1.4.1.1.2".to_owned()),
                transfer_syntax: uid("1.2.840.10008.1.2.1".to_owned()),
                blob: Digest::of(b"instance"),
                bytes: 1000,
                data_set_at: 300,
                pixels: None,
                search: Search { number: Some(instance), frames, ..Search::default() },
                change: causeway_core::dicom::change::Change::default(),
                cut: false,
                metadata: Phi::new(format!("{{\"00200011\":{{\"vr\":\"IS\",\"Value\":[{series_number}]}}}}")),
            },
        }
    }

    fn study(wanted: Option<&str>, rows: &[InstanceRow]) -> Study {
        let mut gathered = Gathered::new(wanted.map(str::to_owned));
        rows.iter().for_each(|row| gathered.take(row));
        gathered.end().unwrap()
    }

    #[test]
    fn a_series_behind_a_very_long_one_is_shown_when_it_is_wanted_or_the_first_by_number() {
        let rows = [row(1, 7, 1, 3000), row(1, 7, 2, 3000), row(2, 3, 2, 1), row(2, 3, 1, 1), row(3, 9, 1, 1)];
        for (wanted, current, pictures, cut) in [
            (None, "1.2.2", 2, false),
            (Some("1.2.3"), "1.2.3", 1, false),
            (Some("1.2.1"), "1.2.1", FRAMES_MAX, true),
            (Some("1.2.99"), "1.2.2", 2, false),
        ] {
            let study = study(wanted, &rows);
            assert_eq!(study.current.as_deref(), Some(current), "{wanted:?}");
            assert_eq!((study.pictures.len(), study.cut), (pictures, cut), "{wanted:?}");
            assert!(study.pictures.iter().all(|picture| picture.series == current));
            assert!(study.pictures.is_sorted_by_key(|picture| (picture.number, picture.frame)));
            let listed: Vec<_> = study.series.iter().map(|first| first.uid.as_str()).collect();
            assert_eq!(listed, ["1.2.2", "1.2.1", "1.2.3"]);
        }
    }

    #[test]
    fn a_series_without_pictures_is_shown_when_it_is_wanted_only() {
        let rows = [row(1, 1, 1, 0), row(2, 2, 1, 1)];
        assert_eq!(study(None, &rows).current.as_deref(), Some("1.2.2"));
        let report = study(Some("1.2.1"), &rows);
        assert_eq!((report.current.as_deref(), report.pictures.len()), (Some("1.2.1"), 0));
        assert_eq!(study(None, &rows[..1]).current, None);
    }

    #[test]
    fn a_study_of_no_instance_is_none() {
        assert!(Gathered::new(None).end().is_none());
    }
}
