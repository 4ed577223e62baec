//! Files that have been still for long enough, by their size and time and our own clock: the clock of a file server may be
//! wrong.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::fs::Stat;

/// What changes when a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: (u64, u64),
    size: i64,
    modified: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            file: (stat.st_dev, stat.st_ino),
            size: stat.st_size,
            modified: (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or_default()),
        }
    }

    /// The size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        u64::try_from(self.size).unwrap_or_default()
    }
}

/// What was seen of the files of a folder.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: BTreeMap<String, (Stamp, Instant)>,
}

impl Watch {
    /// Takes what is there and gives the names of the files that have been still for so long, the oldest first.
    pub(crate) fn look(
        &mut self,
        there: Vec<(String, Stamp)>,
        still_for: Duration,
        now: Instant,
    ) -> Vec<(String, Stamp)> {
        let mut former = std::mem::take(&mut self.seen);
        let mut ready = Vec::new();
        for (name, stamp) in there {
            let since = former.remove(&name).filter(|(seen, _)| *seen == stamp).map_or(now, |(_, since)| since);
            if now.saturating_duration_since(since) >= still_for {
                ready.push((name.clone(), stamp));
            }
            self.seen.insert(name, (stamp, since));
        }
        ready.sort_by(|(a, of_a), (b, of_b)| (of_a.modified, a).cmp(&(of_b.modified, b)));
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(size: i64, modified: i64) -> Stamp {
        Stamp { file: (1, 1), size, modified: (modified, 0) }
    }

    #[test]
    fn a_file_is_ready_when_it_has_not_changed_for_so_long_and_the_oldest_is_first() {
        let (mut watch, start, still) = (Watch::default(), Instant::now(), Duration::from_secs(10));
        let at = |seconds| start + Duration::from_secs(seconds);
        let there = |b: i64| vec![("a".to_owned(), stamp(1, 9)), ("b".to_owned(), stamp(b, 3))];
        let names = |ready: Vec<(String, Stamp)>| ready.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert!(watch.look(there(1), still, at(0)).is_empty());
        assert!(watch.look(there(2), still, at(9)).is_empty(), "b grew");
        assert_eq!(names(watch.look(there(2), still, at(10))), ["a"]);
        assert_eq!(names(watch.look(there(2), still, at(19))), ["b", "a"]);
        assert!(watch.look(Vec::new(), still, at(20)).is_empty());
        assert!(watch.look(there(2), still, at(40)).is_empty(), "it was gone, so it is another one");
        assert_eq!(names(watch.look(there(2), Duration::ZERO, at(40))), ["b", "a"]);
    }
}
