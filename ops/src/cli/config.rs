//! `causeway config show|schema`

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use crate::config::document;
use crate::config::layers::Origin;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::Table;

/// Arguments of `causeway config`.
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Show every key with its value.
    Show {
        /// Tell which layer set each key: default, file and line, environment or flag.
        #[arg(long)]
        origin: bool,
    },
    /// Write the JSON Schema of the configuration, for editors.
    Schema,
}

/// Shows the configuration.
pub(crate) fn run(args: &Config, context: &Context) -> Outcome {
    match args.verb {
        Verb::Schema => {
            let text = format!("{:#}", document::schema());
            context.terminal.line(&text)?;
        }
        Verb::Show { origin } => show(context, origin)?,
    }
    Ok(Exit::Done)
}

fn show(context: &Context, with_origin: bool) -> Outcome<()> {
    let found = context.found()?;
    let whole = serde_json::to_value(found.config())
        .map_err(|error| Diagnostic::new(Code::Internal, "the configuration cannot be shown").because(&error))?;
    let mut keys = BTreeMap::new();
    flatten("", &whole, &mut keys);
    let origins = &found.layered.origins;
    let origin = |key: &str| closest_origin(origins, key).to_string();
    if context.terminal.json {
        for (key, value) in &keys {
            let mut line = json!({ "key": key, "value": value });
            if with_origin && let Some(object) = line.as_object_mut() {
                object.insert("origin".to_owned(), Value::from(origin(key)));
            }
            context.terminal.json_line(&line)?;
        }
        return Ok(());
    }
    let mut table = if with_origin { Table::new(&["key", "value", "origin"]) } else { Table::new(&["key", "value"]) };
    for (key, value) in &keys {
        table.row([key.clone(), value.to_string(), origin(key)]);
    }
    context.terminal.table(&table)
}

/// The origin of a key, or of the nearest table above it that was set whole.
fn closest_origin<'o>(origins: &'o BTreeMap<String, Origin>, key: &str) -> &'o Origin {
    let mut key = key;
    loop {
        match (origins.get(key), key.rsplit_once('.')) {
            // A table of the file says nothing of the keys it does not hold; a list is held whole.
            (Some(origin @ (Origin::Environment(_) | Origin::Flag)), _) => return origin,
            (Some(origin), _) if !key.is_empty() => return origin,
            (_, Some((above, last))) if last.bytes().all(|b| b.is_ascii_digit()) => key = above,
            (Some(_) | None, _) => return &Origin::Default,
        }
    }
}

/// Text as it may be shown: an URL keeps the user and loses the password.
fn without_password(text: &str) -> String {
    let shown = || {
        let (scheme, rest) = text.split_once("://")?;
        let (access, place) = rest.rsplit_once('@')?;
        let (user, _password) = access.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    };
    shown().unwrap_or_else(|| text.to_owned())
}

/// Every key with its value; a list of texts is one value, a list of tables is numbered.
fn flatten(path: &str, value: &Value, keys: &mut BTreeMap<String, Value>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(object) if !object.is_empty() => {
            object.iter().for_each(|(key, value)| flatten(&below(key), value, keys));
        }
        Value::Array(members) if members.iter().any(Value::is_object) => {
            members.iter().enumerate().for_each(|(number, member)| flatten(&below(&number.to_string()), member, keys));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            keys.insert(
                path.to_owned(),
                value.as_str().map_or_else(|| value.clone(), |text| without_password(text).into()),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_url_is_not_shown() {
        let shown = without_password("postgresql://hub:p@ss:word@db.example:5432/ehr");
        assert_eq!(shown, "postgresql://hub:***@db.example:5432/ehr");
        for plain in ["postgresql://hub@db/ehr", "127.0.0.1:9092", "data"] {
            assert_eq!(without_password(plain), plain);
        }
    }
}
