//! Keys of entries that are in no run yet.

use std::collections::{BTreeSet, HashMap};

/// A key and the packed position of its entry.
pub(super) type Record = (u64, u64);

/// Records by control id: nearly every control id comes once, and whether it came before is asked of every envelope.
#[derive(Debug, Default)]
pub(super) struct Recent {
    shelves: HashMap<u32, Shelf>,
    count: usize,
}

/// The records of one control id.
#[derive(Debug)]
enum Shelf {
    One(Record),
    /// Of a sender that uses its control ids again, or gives all its messages the same.
    Many(BTreeSet<Record>),
}

impl Recent {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// Adds a record that is not there.
    pub(super) fn insert(&mut self, record: Record) {
        self.count += 1;
        self.shelves
            .entry(control_id(record.0))
            .and_modify(|shelf| match shelf {
                Shelf::One(first) => *shelf = Shelf::Many(BTreeSet::from([*first, record])),
                Shelf::Many(records) => drop(records.insert(record)),
            })
            .or_insert(Shelf::One(record));
    }

    /// Takes a record out.
    pub(super) fn remove(&mut self, record: Record) {
        let control_id = control_id(record.0);
        let removed = match self.shelves.get_mut(&control_id) {
            Some(Shelf::One(only)) if *only == record => self.shelves.remove(&control_id).is_some(),
            Some(Shelf::Many(records)) => records.remove(&record),
            Some(Shelf::One(_)) | None => false,
        };
        self.count -= usize::from(removed);
    }

    /// The positions of all records with the control id of a key, in the order of their keys.
    pub(super) fn of_control_id(&self, key: u64) -> impl Iterator<Item = u64> {
        self.between(key, (key >> 32 << 32, 0), (key | 0xFFFF_FFFF, u64::MAX))
    }

    /// The positions of all records of a key.
    pub(super) fn of(&self, key: u64) -> impl Iterator<Item = u64> {
        self.between(key, (key, 0), (key, u64::MAX))
    }

    fn between(&self, key: u64, first: Record, last: Record) -> impl Iterator<Item = u64> {
        let (one, many) = match self.shelves.get(&control_id(key)) {
            Some(Shelf::One(record)) => ((first..=last).contains(record).then_some(*record), None),
            Some(Shelf::Many(records)) => (None, Some(records.range(first..=last).copied())),
            None => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten()).map(|(_, position)| position)
    }

    /// All records, in the order of their keys.
    pub(super) fn sorted(&self) -> Vec<Record> {
        let mut records = Vec::with_capacity(self.count);
        for shelf in self.shelves.values() {
            match shelf {
                Shelf::One(record) => records.push(*record),
                Shelf::Many(many) => records.extend(many),
            }
        }
        records.sort_unstable();
        records
    }

    pub(super) fn clear(&mut self) {
        self.shelves.clear();
        self.count = 0;
    }
}

/// The half of a key that stands for feed, sender and control id.
const fn control_id(key: u64) -> u32 {
    (key >> 32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Beside one sorted set, which is what it stands for.
        #[test]
        fn recent_keys_are_found_as_in_one_sorted_set(
            changes in proptest::collection::vec((any::<bool>(), 0_u64..4, 0_u64..4, 0_u64..8), 0..60),
        ) {
            let (mut recent, mut plain) = (Recent::default(), BTreeSet::new());
            for (is_new, control_id, rest, position) in changes {
                let key = control_id << 32 | rest;
                let record = (key, position);
                if is_new && plain.insert(record) {
                    recent.insert(record);
                } else if !is_new {
                    recent.remove(record);
                    plain.remove(&record);
                }
                let among = |first, last| plain.range(first..=last).map(|(_, position)| *position).collect::<Vec<u64>>();
                prop_assert_eq!(recent.of(key).collect::<Vec<_>>(), among((key, 0), (key, u64::MAX)));
                let (from, to) = ((control_id << 32, 0), (control_id << 32 | 0xFFFF_FFFF, u64::MAX));
                prop_assert_eq!(recent.of_control_id(key).collect::<Vec<_>>(), among(from, to));
                prop_assert_eq!(recent.len(), plain.len());
            }
            prop_assert_eq!(recent.sorted(), plain.into_iter().collect::<Vec<_>>());
        }
    }
}
