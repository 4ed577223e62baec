//! Checks on Fluent files, for the tests of every crate that has some: both languages say the same things, and nothing
//! is said that nobody asks for.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;

use super::Source;

/// What differs between the two languages of a source: texts that cannot be read, that one of them lacks, or that have
/// other blanks to fill. Empty when all is well.
pub fn differences(source: &Source) -> Vec<String> {
    let faults = [("en", source.english), ("zh-Hant", source.chinese)]
        .into_iter()
        .filter_map(|(name, text)| FluentResource::try_new(text.to_owned()).err().map(|(_, faults)| (name, faults)))
        .map(|(name, faults)| format!("{name}: {faults:?}"));
    let (english, chinese) = (blanks(source.english), blanks(source.chinese));
    let keys: BTreeSet<_> = english.keys().chain(chinese.keys()).collect();
    let differing = keys.into_iter().filter_map(|key| match (english.get(key), chinese.get(key)) {
        (Some(ours), Some(theirs)) if ours == theirs => None,
        (Some(ours), Some(theirs)) => Some(format!("{key}: en fills {ours:?}, zh-Hant fills {theirs:?}")),
        (Some(_), None) => Some(format!("{key}: not in zh-Hant")),
        (None, _) => Some(format!("{key}: not in en")),
    });
    faults.chain(differing).collect()
}

/// The texts of a source that nothing uses: neither quoted in one of `users` (source code and templates) nor named in
/// `composed`, the keys that code puts together at run time.
pub fn unused(source: &Source, users: &[String], composed: &[String]) -> Vec<String> {
    let quoted = |key: &str| users.iter().any(|user| user.contains(&format!("\"{key}\"")));
    blanks(source.english).into_keys().filter(|key| !quoted(key) && !composed.contains(key)).collect()
}

/// Every text with the names of its blanks. A text begins at a line's start with its key and goes on in indented lines.
fn blanks(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            key = line.split([' ', '=']).next().unwrap_or_default().to_owned();
            texts.entry(key.clone()).or_default();
        }
        if let Some(names) = texts.get_mut(&key) {
            names.extend(line.split('$').skip(1).map(name_of));
        }
    }
    texts
}

/// The name a blank begins with.
fn name_of(after_dollar: &str) -> String {
    after_dollar.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_text_and_a_missing_blank_are_found() {
        let source = Source { english: "a = A { $n }\nb = B\n", chinese: "a = 甲\nc = 丙\n" };
        assert_eq!(
            differences(&source),
            ["a: en fills {\"n\"}, zh-Hant fills {}", "b: not in zh-Hant", "c: not in en"].map(str::to_owned)
        );
        assert!(!differences(&Source { english: "a = { $", chinese: "a = 甲\n" }).is_empty());
    }

    #[test]
    fn a_text_nobody_asks_for_is_found() {
        let source = Source { english: "used = A\nmade-up = B\nforgotten = C\n", chinese: "" };
        let found = unused(&source, &["say.text(\"used\")".to_owned()], &["made-up".to_owned()]);
        assert_eq!(found, ["forgotten".to_owned()]);
    }
}
