//! The template, and the page that documents it: written from the table of columns and the JSON Schema.

use serde_json::Value;

use super::columns::{COLUMNS, Column, Kind};

/// The language of a template's heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English names.
    English,
    /// Chinese names.
    Chinese,
}

/// A heading with every column, with a byte order mark, so that spreadsheets know the encoding.
pub fn template(language: Language) -> String {
    let name = |column: &Column| match language {
        Language::English => column.name,
        Language::Chinese => column.zh,
    };
    format!("\u{feff}{}\r\n", COLUMNS.iter().map(name).collect::<Vec<_>>().join(","))
}

/// `docs/chinese-medicine/columns.md`.
pub fn page(schema: &Value) -> String {
    let mut page = INTRODUCTION.to_owned();
    for column in COLUMNS {
        let about = about(schema, column).replace('|', "\\|");
        let Column { name, zh, path, sample, .. } = column;
        let holds = match column.kind {
            Kind::Text => "text".to_owned(),
            Kind::Number => "number".to_owned(),
            Kind::YesNo => "Y or N".to_owned(),
            Kind::Day => "day".to_owned(),
            Kind::Time => "day or time".to_owned(),
            Kind::Word(_, words) => words.join(", "),
        };
        page += &format!("| `{name}` | {zh} | {holds} | {sample} | {about} | `{path}` |\n");
    }
    page
}

const INTRODUCTION: &str = "# Columns of the CSV template

Written from the program's tables; [Chinese medicine](../chinese-medicine.md) tells how a file is made. A heading has the English or
the Chinese names, `visit_number` first, and of the others those that are needed; `*` in a place is an item of a list,
`@` one of `bone_setting` and `tui_na`. Words of a list may be written in Chinese too. Y and N may be 是 and 否.

| column | 欄目 | holds | example | what it is | place in the record |
| --- | --- | --- | --- | --- | --- |
";

/// The description that the schema gives the place.
fn about(schema: &Value, column: &Column) -> String {
    if column.path == "/@" {
        return "Which of the treatments by hand the row is about.".to_owned();
    }
    let path = column.path.replace('@', "tui_na");
    let mut here = schema;
    for part in path.split('/').skip(1) {
        here = resolve(schema, here);
        let next =
            if part == "*" || part == "0" { here.get("items") } else { here.pointer(&format!("/properties/{part}")) };
        let Some(next) = next else { return String::new() };
        here = next;
    }
    here.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

/// What a schema refers to, also where it may be null.
fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let found = std::iter::once(schema).chain(choices).find_map(|choice| choice.get("$ref").and_then(Value::as_str));
    let target = found.and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(schema)
}
