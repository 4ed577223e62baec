//! `docs/configuration.md`, written from the schema.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::schema;
use crate::documents::is_fresh;

/// The page.
fn page() -> String {
    let schema = schema();
    let mut page = PREAMBLE.to_owned();
    let mut sections = vec![(String::new(), schema.clone(), false)];
    while let Some((path, section, repeated)) = sections.pop() {
        let (rows, inner) = rows(&schema, &path, &section);
        heading(&mut page, &path, &section, repeated);
        if !rows.is_empty() {
            page.push_str("| key | kind | default | meaning |\n| --- | --- | --- | --- |\n");
            page.push_str(&rows);
        }
        // The first section inside comes next.
        sections.extend(inner.into_iter().rev());
    }
    page
}

const PREAMBLE: &str = "# Configuration\n\n\
    One TOML file. It is found by `--config FILE`, else by `CAUSEWAY_CONFIG`, else it is `./causeway.toml`, else\n\
    `./causeway-demo/causeway.toml`. Over the file lie environment variables `CAUSEWAY__SECTION__KEY` (members of lists by\n\
    number: `CAUSEWAY__DOOR__0__LISTEN`), and over those `--set section.key=value`. `causeway config show --origin` tells which\n\
    layer set each key; `causeway config schema` writes the JSON Schema, with which editors complete and check; `causeway check`\n\
    finds mistakes before they matter. Unknown keys are errors. Durations are written `250ms`, `30s`, `5m`, `1h30m`, `7d`;\n\
    sizes `512B`, `64KiB`, `16MiB`, `1GiB`.\n\n\
    This page is written from the program's types; a test fails when it is stale.\n";

fn heading(page: &mut String, path: &str, section: &Value, repeated: bool) {
    let title = match (path.is_empty(), repeated) {
        (true, _) => "Top of the file".to_owned(),
        (false, true) => format!("`[[{path}]]`, once each"),
        (false, false) => format!("`[{path}]`"),
    };
    let said = writeln!(page, "\n## {title}\n\n{}\n", text(section, "description"));
    debug_assert!(said.is_ok(), "a String takes everything");
}

/// A section inside another: its path, what it is, whether it may come more than once.
type Inner = (String, Value, bool);

/// The rows of the keys, and the sections inside.
fn rows(schema: &Value, path: &str, section: &Value) -> (String, Vec<Inner>) {
    let (mut rows, mut inner) = (String::new(), Vec::new());
    let empty = Map::new();
    let properties = section.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    for (key, property) in properties {
        let target = resolve(schema, property);
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let members = target.get("items").map(|items| resolve(schema, items));
        if target.get("properties").is_some() {
            inner.push((below, described(target, property), false));
        } else if let Some(members) = members.filter(|members| members.get("properties").is_some()) {
            inner.push((below, described(members, property), true));
        } else {
            let meaning = text(&described(target, property), "description");
            let row =
                format!("| `{key}` | {} | {} | {meaning} |\n", kind(schema, target), default(section, key, property));
            rows.push_str(&row);
        }
    }
    (rows, inner)
}

/// A definition with what is said at the place of its use, when something is said there.
fn described(target: &Value, property: &Value) -> Value {
    let mut target = target.clone();
    if let (Some(object), Some(description)) = (target.as_object_mut(), property.get("description")) {
        object.insert("description".to_owned(), description.clone());
    }
    target
}

/// What a property is made of: a definition elsewhere, also of one that may be left out.
fn resolve<'s>(schema: &'s Value, property: &'s Value) -> &'s Value {
    let choices = property.get("anyOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_null = |choice: &&Value| choice.get("type").and_then(Value::as_str) == Some("null");
    let mut set = choices.iter().filter(|choice| !is_null(choice));
    if let (Some(one), None) = (set.next(), set.next()) {
        return resolve(schema, one);
    }
    let reference = property.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|path| path.strip_prefix('#')).and_then(|path| schema.pointer(path));
    target.unwrap_or(property)
}

fn kind(schema: &Value, target: &Value) -> String {
    let words = |values: &[Value]| {
        values.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    };
    if let Some(values) = target.get("enum").and_then(Value::as_array) {
        return words(values);
    }
    if let Some(variants) = target.get("oneOf").and_then(Value::as_array) {
        let constants: Vec<Value> = variants.iter().filter_map(|variant| variant.get("const").cloned()).collect();
        return words(&constants);
    }
    match target.get("type") {
        Some(Value::String(one)) if one == "array" => {
            let items = target.get("items").map_or_else(String::new, |items| kind(schema, resolve(schema, items)));
            format!("list of {items}")
        }
        Some(Value::String(one)) => word(one).to_owned(),
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .map(word)
            .collect::<Vec<_>>()
            .join(" or "),
        Some(_) | None => "text".to_owned(),
    }
}

fn word(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" | "number" => "number",
        "boolean" => "`true` or `false`",
        other => other,
    }
}

fn default(section: &Value, key: &str, property: &Value) -> String {
    let required = section.get("required").and_then(Value::as_array);
    if required.is_some_and(|keys| keys.iter().any(|k| k == key)) {
        return "required".to_owned();
    }
    match property.get("default") {
        None | Some(Value::Null) => "none".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// A text of a definition on one line.
fn text(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[test]
fn the_page_is_what_the_types_say() {
    is_fresh("docs/configuration.md", &page());
}

#[test]
fn every_key_says_what_it_means() {
    for line in page().lines().filter(|line| line.starts_with("| `")) {
        assert!(!line.ends_with("|  |"), "no meaning: {line}");
    }
}
