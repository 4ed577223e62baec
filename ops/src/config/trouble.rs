//! Troubles of a configuration file, told with the line, a caret and what was probably meant.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Place};

/// How alike two words must be for "did you mean", from 0 to 1.
const ALIKE: f64 = 0.7;

/// Tells what the TOML reader found.
pub(crate) fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    let Some((key, expected)) = unknown_key(message) else {
        let first = message.lines().next().unwrap_or_default();
        let what = match key_at(text, &span) {
            Some(key) => format!("`{key}`: {first}"),
            None => first.to_owned(),
        };
        return Diagnostic {
            place: Some(place(path, text, span, String::new())),
            ..Diagnostic::new(Code::BadValue, what)
        };
    };
    let section = section_at(text, span.start);
    let within = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
    let meant = closest(key, &expected);
    let hint = meant.map_or_else(String::new, |meant| format!("did you mean `{meant}`?"));
    let diagnostic = Diagnostic::new(Code::UnknownKey, format!("unknown key `{key}`{within}"));
    let diagnostic =
        if meant.is_none() { diagnostic.why(format!("it takes {}", listed(&expected))) } else { diagnostic };
    Diagnostic { place: Some(place(path, text, span, hint)), ..diagnostic }
}

/// Tells a contradiction at the line of a key.
pub(crate) fn at_key(path: &Path, text: &str, key: &str, what: String) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::Contradiction, what);
    match spans_of_keys(text).remove(key) {
        Some(span) => Diagnostic { place: Some(place(path, text, span, String::new())), ..diagnostic },
        None => diagnostic.at(format!("{}, key `{key}`", path.display())),
    }
}

/// The line of each key, counted from 1; keys are written `section.key`, members of arrays by number from 0.
pub(crate) fn lines_of_keys(text: &str) -> BTreeMap<String, usize> {
    spans_of_keys(text).into_iter().map(|(key, span)| (key, line_of(text, span.start))).collect()
}

/// The word of `expected` that is most like `word`, when any is alike.
pub(crate) fn closest<'e>(word: &str, expected: &[&'e str]) -> Option<&'e str> {
    let likeness = |candidate: &str| {
        strsim::jaro_winkler(word, candidate).max(strsim::normalized_damerau_levenshtein(word, candidate))
    };
    let scored = expected.iter().map(|candidate| (likeness(candidate), *candidate));
    scored.filter(|(score, _)| *score >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

/// The key and what was expected, out of serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (key, rest) = rest.split_once('`')?;
    Some((key, rest.split('`').skip(1).step_by(2).collect()))
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The place of a span.
fn place(path: &Path, text: &str, span: Range<usize>, hint: String) -> Box<Place> {
    let start = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (before, after) = text.split_at(start);
    let (line_start, rest) = before.rsplit_once('\n').map_or((before, after), |(_, line)| (line, after));
    let line_end = rest.lines().next().unwrap_or_default();
    let length = text.get(start..span.end).map_or(1, |meant| meant.lines().next().unwrap_or_default().chars().count());
    Box::new(Place::Line {
        file: path.display().to_string(),
        line: line_of(text, start),
        column: line_start.chars().count() + 1,
        length,
        text: format!("{line_start}{line_end}"),
        hint,
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The name of the section a place stands in; arrays of tables are named by their first `name` key, when they have one.
fn section_at(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let header = |line: &str| {
        let line = line.trim();
        let inner = line.strip_prefix('[')?.split(']').next()?;
        Some(inner.trim_start_matches('[').trim().to_owned())
    };
    before.lines().rev().find_map(header).unwrap_or_default()
}

/// The key whose value a span is.
fn key_at(text: &str, span: &Range<usize>) -> Option<String> {
    let spans = spans_of_keys(text).into_iter();
    let line = line_of(text, span.start);
    spans
        .filter(|(_, key)| key.start <= span.start && line_of(text, key.start) == line)
        .map(|(name, _)| name)
        .next_back()
}

/// Where each key stands.
fn spans_of_keys(text: &str) -> BTreeMap<String, Range<usize>> {
    let mut spans = BTreeMap::new();
    let (table, _) = DeTable::parse_recoverable(text);
    walk_table(table.get_ref(), "", &mut spans);
    spans
}

fn walk_table(table: &DeTable<'_>, prefix: &str, spans: &mut BTreeMap<String, Range<usize>>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        spans.insert(path.clone(), key.span());
        walk_value(value.get_ref(), &path, spans);
    }
}

fn walk_value(value: &DeValue<'_>, path: &str, spans: &mut BTreeMap<String, Range<usize>>) {
    if let Some(table) = value.as_table() {
        walk_table(table, path, spans);
    }
    for (number, member) in value.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}.{number}");
        spans.insert(path.clone(), member.span());
        walk_value(member.get_ref(), &path, spans);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_finds_slips_and_leaves_strangers_alone() {
        assert_eq!(closest("prot", &["port", "listen"]), Some("port"));
        assert_eq!(closest("charsett", &["charset", "provider"]), Some("charset"));
        assert_eq!(closest("zebra", &["port", "listen"]), None);
    }
}
