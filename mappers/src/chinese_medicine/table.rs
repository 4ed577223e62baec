//! The tables of the safety checks and of terminologies. Each file's first line names its source, its second its columns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use causeway_core::chinese_medicine::Amount;

/// Two sides of a rule that do not go together.
#[derive(Debug)]
pub(super) struct Pair {
    /// What the rule is called.
    pub(super) rule: &'static str,
    /// The herbs of one side.
    pub(super) left: BTreeSet<&'static str>,
    /// The herbs of the other.
    pub(super) right: BTreeSet<&'static str>,
}

/// The most of a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dose {
    /// In grams, as the table says it.
    pub(super) grams: &'static str,
    /// The same in ten thousandths of a gram.
    pub(super) ten_thousandths: u64,
}

/// The pairs that are incompatible.
pub(super) static INCOMPATIBLE: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let side = |names: &'static str| names.split('|').collect();
    rows(INCOMPATIBLE_FILE).map(|[rule, left, right]| Pair { rule, left: side(left), right: side(right) }).collect()
});
/// What is forbidden in pregnancy.
pub(super) static PREGNANCY: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| rows(PREGNANCY_FILE).map(|[name]| name).collect());
/// Toxic medicines under legal control.
pub(super) static TOXIC: LazyLock<BTreeSet<&str>> = LazyLock::new(|| rows(TOXIC_FILE).map(|[name]| name).collect());
/// The most of a day, by herb.
pub(super) static DOSE: LazyLock<BTreeMap<&str, Dose>> = LazyLock::new(|| {
    let dose = |[name, grams]: [&'static str; 2]| {
        let amount = Amount::parse(grams).ok()?;
        Some((name, Dose { grams, ten_thousandths: amount.ten_thousandths() }))
    };
    rows(DOSE_FILE).filter_map(dose).collect()
});
/// Terminologies: URI and whether it is recognised, by name.
pub(super) static SYSTEM: LazyLock<BTreeMap<&str, (&str, bool)>> =
    LazyLock::new(|| rows(SYSTEM_FILE).map(|[name, uri, recognised]| (name, (uri, recognised == "y"))).collect());

const INCOMPATIBLE_FILE: &str = include_str!("tables/incompatible.csv");
const PREGNANCY_FILE: &str = include_str!("tables/pregnancy.csv");
const TOXIC_FILE: &str = include_str!("tables/toxic.csv");
const DOSE_FILE: &str = include_str!("tables/dose.csv");
const SYSTEM_FILE: &str = include_str!("tables/system.csv");

/// What herb names may begin with: how the herb is processed, or where it comes from.
const PROCESSED: [char; 20] = [
    '製', '制', '炙', '炒', '生', '法', '薑', '姜', '清', '煅', '醋', '酒', '鹽', '盐', '蜜', '焦', '熟', '炮', '淡',
    '黑',
];

/// The rows of a table.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(2).filter_map(|line| {
        let mut row = [""; N];
        let mut columns = line.split(',');
        for column in &mut row {
            *column = columns.next()?;
        }
        columns.next().is_none().then_some(row)
    })
}

/// The names by which tables may know a herb: as it is called, and without its processing in front.
pub(super) fn names(name: &str) -> impl Iterator<Item = &str> {
    std::iter::once(name).chain(name.strip_prefix(PROCESSED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_names_its_source_and_has_its_columns_in_every_line() {
        let counts = [
            (INCOMPATIBLE_FILE, rows::<3>(INCOMPATIBLE_FILE).count()),
            (PREGNANCY_FILE, rows::<1>(PREGNANCY_FILE).count()),
            (TOXIC_FILE, rows::<1>(TOXIC_FILE).count()),
            (DOSE_FILE, rows::<2>(DOSE_FILE).count()),
            (SYSTEM_FILE, rows::<3>(SYSTEM_FILE).count()),
        ];
        for (table, count) in counts {
            assert!(table.starts_with("# ") && table.lines().next().is_some_and(|line| line.len() > 40), "{table}");
            assert_eq!(count, table.lines().count() - 2, "{table}");
        }
        assert!(DOSE.len() == DOSE_FILE.lines().count() - 2 && DOSE.values().all(|dose| dose.ten_thousandths > 0));
        let both: usize = INCOMPATIBLE.iter().map(|pair| pair.left.len().min(pair.right.len())).min().unwrap();
        assert!(both > 0 && TOXIC.len() == rows::<1>(TOXIC_FILE).count() && SYSTEM.values().any(|(_, known)| *known));
    }

    #[test]
    fn a_herb_is_known_processed_or_not_and_no_other_is() {
        for name in ["甘草", "炙甘草", "生甘草"] {
            assert!(names(name).any(|name| name == "甘草"), "{name}");
        }
        for name in ["甘草梢", "水半夏", "半夏曲", ""] {
            assert!(!names(name).any(|name| ["甘草", "半夏"].contains(&name)), "{name}");
        }
    }
}
