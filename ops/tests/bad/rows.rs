//! No row is missing.

use std::collections::BTreeSet;

const SOURCES: [&str; 5] = [
    include_str!("framing.rs"),
    include_str!("connection.rs"),
    include_str!("content.rs"),
    include_str!("meaning.rs"),
    include_str!("encoding.rs"),
];

#[test]
fn every_row_from_1_to_76_has_a_test_that_carries_its_number() {
    let names = SOURCES.iter().flat_map(|source| source.lines()).filter_map(|line| line.strip_prefix("fn r"));
    let rows: BTreeSet<u32> = names
        .flat_map(|name| name.split('_').map(|part| part.trim_start_matches('r')).map_while(|part| part.parse().ok()))
        .collect();
    let missing: Vec<u32> = (1..=76).filter(|row| !rows.contains(row)).collect();
    assert!(missing.is_empty(), "no test for rows {missing:?}");
}
