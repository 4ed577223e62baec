//! Layers of configuration: defaults, then the file, then `CAUSEWAY__SECTION__KEY`, then flags. Each key remembers the
//! layer that set it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::trouble;
use crate::diagnostic::{Code, Diagnostic};

/// The start of every environment variable that sets a key.
pub(crate) const PREFIX: &str = "CAUSEWAY__";

/// What there is to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// The file, as read.
    pub(crate) file: Option<File>,
    /// Variables of the environment, all of them.
    pub(crate) environment: Vec<(String, String)>,
    /// `section.key=value` of the command line, in order.
    pub(crate) flags: Vec<(String, String)>,
}

/// A configuration file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) text: String,
}

/// Which layer set a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody: the default.
    Default,
    /// The file, at this line.
    File {
        /// Where it is.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// This environment variable.
    Environment(String),
    /// A flag.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// What was read.
#[derive(Debug, Clone)]
pub(crate) struct Layered<T> {
    /// The whole, with every default.
    pub(crate) value: T,
    /// Who set what; a key that is not in it has its default.
    pub(crate) origins: BTreeMap<String, Origin>,
}

/// Puts the layers on top of each other.
pub(crate) fn read<T: DeserializeOwned>(sources: &Sources) -> Result<Layered<T>, Diagnostic> {
    let (mut table, mut origins) = match &sources.file {
        Some(file) => from_file::<T>(file)?,
        None => (Table::new(), BTreeMap::new()),
    };
    for over in overrides(sources) {
        let path: Vec<&str> = over.path.split('.').collect();
        let trouble = |why: String| over.trouble(&sources.file, why);
        put(&mut table, &path, over.value.clone()).map_err(trouble)?;
        // Tried after each one, so that the one at fault is named.
        T::deserialize(table.clone()).map_err(|error| trouble(error.message().to_owned()))?;
        origins.retain(|key, _| !key.starts_with(&format!("{}.", over.path)));
        origins.insert(over.path, over.origin);
    }
    match T::deserialize(table) {
        Ok(value) => Ok(Layered { value, origins }),
        Err(error) => Err(Diagnostic::new(Code::BadValue, error.message().to_owned())),
    }
}

/// One setting from above the file.
struct Override {
    path: String,
    value: Value,
    origin: Origin,
}

impl Override {
    fn trouble(&self, file: &Option<File>, why: String) -> Diagnostic {
        let beside = file.as_ref().map_or_else(String::new, |file| format!(" over {}", file.path.display()));
        match &self.origin {
            Origin::Environment(name) => Diagnostic::new(Code::Environment, format!("`{name}` cannot be used{beside}")),
            Origin::Default | Origin::File { .. } | Origin::Flag => {
                Diagnostic::new(Code::Argument, format!("`--set {}` cannot be used{beside}", self.path))
            }
        }
        .why(why)
    }
}

/// The settings from above the file, lowest first. Variables come in the order of their names.
fn overrides(sources: &Sources) -> Vec<Override> {
    let mut environment: Vec<Override> = sources
        .environment
        .iter()
        .filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX)?.to_ascii_lowercase().replace("__", ".");
            Some(Override { path, value: parse(value), origin: Origin::Environment(name.clone()) })
        })
        .collect();
    environment.sort_by(|a, b| a.path.cmp(&b.path));
    let flags = sources.flags.iter();
    environment.extend(flags.map(|(path, value)| Override {
        path: path.clone(),
        value: parse(value),
        origin: Origin::Flag,
    }));
    environment
}

/// A value as TOML would read it, or else the text itself, so that `127.0.0.1:80` and `5m` need no quotes.
fn parse(text: &str) -> Value {
    let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok();
    parsed
        .and_then(|mut table| if table.len() == 1 { table.remove("value") } else { None })
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Sets the value at a path, making tables on the way; a number in the path counts the members of an array from 0.
fn put(table: &mut Table, path: &[&str], value: Value) -> Result<(), String> {
    let Some((key, rest)) = path.split_first() else { return Err("the path is empty".to_owned()) };
    if rest.is_empty() {
        table.insert((*key).to_owned(), value);
        return Ok(());
    }
    let number = rest.first().and_then(|next| next.parse::<usize>().ok());
    let empty = if number.is_some() { Value::Array(Vec::new()) } else { Value::Table(Table::new()) };
    let inner = table.entry((*key).to_owned()).or_insert(empty);
    match (inner, number) {
        (Value::Table(inner), _) => put(inner, rest, value),
        (Value::Array(members), Some(number)) => put_member(members, number, rest.get(1..).unwrap_or_default(), value),
        _ => Err(format!("`{key}` has no parts")),
    }
}

/// Sets a member of an array, or a path inside it. One past the end adds a member.
fn put_member(members: &mut Vec<Value>, number: usize, rest: &[&str], value: Value) -> Result<(), String> {
    if number > members.len() {
        return Err(format!("there are only {} of them, counted from 0", members.len()));
    }
    if number == members.len() {
        members.push(if rest.is_empty() { value.clone() } else { Value::Table(Table::new()) });
    }
    match members.get_mut(number) {
        Some(member) if rest.is_empty() => {
            *member = value;
            Ok(())
        }
        Some(Value::Table(inner)) => put(inner, rest, value),
        _ => Err(format!("member {number} has no parts")),
    }
}

/// The file's keys, checked on their own so that troubles point into the file.
fn from_file<T: DeserializeOwned>(file: &File) -> Result<(Table, BTreeMap<String, Origin>), Diagnostic> {
    if let Err(error) = toml::from_str::<T>(&file.text) {
        return Err(trouble::in_file(&file.path, &file.text, &error));
    }
    let table =
        toml::from_str::<Table>(&file.text).map_err(|error| trouble::in_file(&file.path, &file.text, &error))?;
    let lines = trouble::lines_of_keys(&file.text);
    let path = |path: &Path| path.to_owned();
    let origins = lines.into_iter().map(|(key, line)| (key, Origin::File { path: path(&file.path), line })).collect();
    Ok((table, origins))
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        name: String,
        server: Server,
        door: Vec<Server>,
    }

    #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Server {
        listen: String,
        count_max: u32,
    }

    fn sources(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
        let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Sources {
            file: Some(File { path: "causeway.toml".into(), text: text.to_owned() }),
            environment: own(environment),
            flags: own(flags),
        }
    }

    #[test]
    fn flags_stand_above_the_environment_and_that_above_the_file() {
        let text = "name = \"file\"\n[server]\nlisten = \"file\"\ncount_max = 1\n[[door]]\nlisten = \"a\"\n";
        let environment = [
            ("CAUSEWAY__SERVER__LISTEN", "127.0.0.1:1"),
            ("CAUSEWAY__SERVER__COUNT_MAX", "2"),
            ("CAUSEWAY__DOOR__0__COUNT_MAX", "7"),
            ("CAUSEWAY__DOOR__1__LISTEN", "b"),
            ("CAUSEWAY_CONFIG", "not a key"),
            ("PATH", "/bin"),
        ];
        let read = read::<Sample>(&sources(text, &environment, &[("server.count_max", "3")])).expect("well formed");
        assert_eq!(read.value.server, Server { listen: "127.0.0.1:1".to_owned(), count_max: 3 });
        let doors = [Server { listen: "a".to_owned(), count_max: 7 }, Server { listen: "b".to_owned(), count_max: 0 }];
        assert_eq!(read.value.door, doors);
        assert_eq!(read.origins["name"], Origin::File { path: "causeway.toml".into(), line: 1 });
        assert_eq!(read.origins["server.listen"], Origin::Environment("CAUSEWAY__SERVER__LISTEN".to_owned()));
        assert_eq!(read.origins["server.count_max"], Origin::Flag);
        assert_eq!(read.origins["door.0.listen"], Origin::File { path: "causeway.toml".into(), line: 6 });
    }

    #[test]
    fn the_variable_at_fault_is_named() {
        let environment = [("CAUSEWAY__NAME", "fine"), ("CAUSEWAY__SERVER__LISSEN", "x")];
        let told = read::<Sample>(&sources("", &environment, &[])).expect_err("unknown key");
        assert_eq!(told.code, Code::Environment);
        assert!(told.what.contains("CAUSEWAY__SERVER__LISSEN"), "{told:?}");
        let told =
            read::<Sample>(&sources("", &[("CAUSEWAY__SERVER__COUNT_MAX", "many")], &[])).expect_err("not a number");
        assert!(told.what.contains("COUNT_MAX"), "{told:?}");
        let told = read::<Sample>(&sources("", &[], &[("door.3.listen", "x")])).expect_err("a gap");
        assert_eq!(told.code, Code::Argument);
    }
}
