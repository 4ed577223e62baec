//! No row is missing.

use std::collections::BTreeSet;

const SOURCES: [&str; 7] = [
    include_str!("framing.rs"),
    include_str!("connection.rs"),
    include_str!("content.rs"),
    include_str!("late.rs"),
    include_str!("meaning.rs"),
    include_str!("encoding.rs"),
    include_str!("posting.rs"),
];

/// What is said of them.
const PAGE: &str = include_str!("../../../docs/bad-input.md");

#[test]
fn every_row_from_1_to_82_has_a_test_that_carries_its_number_and_a_line_that_tells_the_answer() {
    let names = SOURCES.iter().flat_map(|source| source.lines()).filter_map(|line| line.strip_prefix("fn r"));
    let rows: BTreeSet<u32> = names
        .flat_map(|name| name.split('_').map(|part| part.trim_start_matches('r')).map_while(|part| part.parse().ok()))
        .collect();
    let missing: Vec<u32> = (1..=82).filter(|row| !rows.contains(row)).collect();
    assert!(missing.is_empty(), "no test for rows {missing:?}");
    let told: Vec<u32> =
        PAGE.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    assert_eq!(told, (1..=82).collect::<Vec<_>>(), "the lines of docs/bad-input.md");
}
