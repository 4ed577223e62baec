//! The tables of the safety checks and of terminologies. Each file's first line names its source, its second its columns.

/// The pairs that are incompatible: rule, names on one side, names on the other.
pub(super) const INCOMPATIBLE: &str = include_str!("tables/incompatible.csv");
/// What is forbidden in pregnancy.
pub(super) const PREGNANCY: &str = include_str!("tables/pregnancy.csv");
/// Toxic medicines under legal control.
pub(super) const TOXIC: &str = include_str!("tables/toxic.csv");
/// The most of a day.
pub(super) const DOSE: &str = include_str!("tables/dose.csv");
/// Terminologies: name, URI, recognised.
pub(super) const SYSTEM: &str = include_str!("tables/system.csv");

/// What herb names may begin with: how the herb is processed, or where it comes from.
const PROCESSED: [&str; 20] = [
    "製", "制", "炙", "炒", "生", "法", "薑", "姜", "清", "煅", "醋", "酒", "鹽", "盐", "蜜", "焦", "熟", "炮", "淡",
    "黑",
];

/// The rows of a table.
pub(super) fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(2).filter_map(|line| {
        let mut row = [""; N];
        let mut columns = line.split(',');
        for column in &mut row {
            *column = columns.next()?;
        }
        columns.next().is_none().then_some(row)
    })
}

/// Whether a herb's name is this one, processed or not.
pub(super) fn is_herb(name: &str, known: &str) -> bool {
    name == known || PROCESSED.iter().any(|word| name.strip_prefix(word) == Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_names_its_source_and_has_its_columns_in_every_line() {
        let counts = [
            (INCOMPATIBLE, rows::<3>(INCOMPATIBLE).count()),
            (PREGNANCY, rows::<1>(PREGNANCY).count()),
            (TOXIC, rows::<1>(TOXIC).count()),
            (DOSE, rows::<2>(DOSE).count()),
            (SYSTEM, rows::<3>(SYSTEM).count()),
        ];
        for (table, count) in counts {
            assert!(table.starts_with("# ") && table.lines().next().is_some_and(|line| line.len() > 40), "{table}");
            assert_eq!(count, table.lines().count() - 2, "{table}");
        }
        assert!(rows::<2>(DOSE).all(|[_, grams]| grams.parse::<f64>().is_ok_and(|grams| grams > 0.0)));
    }

    #[test]
    fn a_herb_is_known_processed_or_not_and_no_other_is() {
        for name in ["甘草", "炙甘草", "生甘草"] {
            assert!(is_herb(name, "甘草"), "{name}");
        }
        for name in ["甘草梢", "水半夏", "半夏曲", ""] {
            assert!(!is_herb(name, "甘草") && !is_herb(name, "半夏"), "{name}");
        }
    }
}
