//! `causeway record document`

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use causeway_core::envelope::Digest;
use causeway_core::port::{AccessGrant, AuditEntry, RecordQuery, RecordRow};
use causeway_core::record::RecordKey;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::size;

/// Arguments of `causeway record document`.
#[derive(Debug, Args)]
pub(super) struct Document {
    /// The key of the record, as `record list --reveal --json` shows it.
    #[arg(long)]
    key: String,
    /// The file to write; one that is there already is left alone.
    #[arg(long)]
    out: PathBuf,
    /// Which document, from 1, when the record has several.
    #[arg(long)]
    number: Option<usize>,
}

/// Bytes read at once.
const STEP: usize = 1 << 20;

/// Writes the document of a record to a file. The audit lines of the reading are written first.
pub(super) fn run(args: &Document, context: &Context) -> Outcome {
    let grant = AccessGrant::operator(context.actor(), "record document".to_owned());
    let query = RecordQuery { key: Some(RecordKey(args.key.clone())), limit: 1, ..RecordQuery::default() };
    let repository = &context.store()?.repository;
    let found = repository.records(&grant, &query, context.now())?.into_iter().next();
    let row = found.ok_or_else(|| Diagnostic::new(Code::Nothing, "there is no current record of this key"))?;
    let digest = chosen(&documents(&row.resource), args.number)?;
    repository.audit(&line(context, &row, &digest))?;
    let bytes = write(context, &digest, &args.out)?;
    if context.terminal.json {
        let (digest, out) = (digest.to_string(), args.out.display().to_string());
        context.terminal.json_line(&json!({ "v": 1, "sha256": digest, "bytes": bytes, "out": out }))?;
    } else {
        context.terminal.line(&format!("{}: {}, SHA-256 {digest}", args.out.display(), size(bytes)))?;
    }
    Ok(Exit::Done)
}

/// What is read, and whose: the digest tells which bytes without telling what they say.
fn line(context: &Context, row: &RecordRow, digest: &Digest) -> AuditEntry {
    let detail = [("domain", row.domain.code().to_owned()), ("sha256", digest.to_string())];
    AuditEntry {
        at: context.now(),
        actor: context.actor(),
        action: "read-document".to_owned(),
        person: Some(row.person),
        detail: detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
    }
}

/// The documents a resource points to, in its order, each once.
fn documents(resource: &Value) -> Vec<Digest> {
    let (mut found, mut seen, mut rest) = (Vec::new(), BTreeSet::new(), vec![resource]);
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => {
                let digest = text.strip_prefix("Binary/").and_then(Digest::parse);
                found.extend(digest.filter(|digest| seen.insert(*digest)));
            }
            // Pushed backwards, since the last one is looked at first.
            Value::Array(items) => rest.extend(items.iter().rev()),
            Value::Object(members) => rest.extend(members.values().rev()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    found
}

fn chosen(documents: &[Digest], number: Option<usize>) -> Result<Digest, Diagnostic> {
    let place = match (number, documents.len()) {
        (_, 0) => return Err(Diagnostic::new(Code::Nothing, "the record points to no document")),
        (None, 1) => 0,
        (None, count) => {
            let told = Diagnostic::new(Code::Argument, format!("the record points to {count} documents"));
            return Err(told.fix(format!("say which with `--number 1` to `--number {count}`")));
        }
        (Some(number), _) => number.wrapping_sub(1),
    };
    let found = documents.get(place).copied();
    found.ok_or_else(|| Diagnostic::new(Code::Argument, format!("the record points to {} documents", documents.len())))
}

/// Copies a blob to a new file that only its owner reads. Nothing is left of one that fails half way.
fn write(context: &Context, digest: &Digest, out: &Path) -> Outcome<u64> {
    let blobs = context.blobs()?;
    let trouble = |error: &std::io::Error| {
        let code = if error.kind() == std::io::ErrorKind::AlreadyExists { Code::Exists } else { Code::Output };
        Diagnostic::new(code, "the document cannot be written").at(out.display().to_string()).because(error)
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let mut file = file.map_err(|error| trouble(&error))?;
    let mut bytes = 0;
    let copied = loop {
        let part = match blobs.read(digest, bytes, STEP) {
            Ok(part) => part,
            Err(error) => break Err(Diagnostic::from(error)),
        };
        if part.is_empty() {
            break file.sync_all().map_err(|error| trouble(&error));
        }
        if let Err(error) = file.write_all(&part) {
            break Err(trouble(&error));
        }
        bytes += part.len() as u64;
    };
    if copied.is_err() {
        std::fs::remove_file(out).map_err(|error| trouble(&error))?;
    }
    copied?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_of_a_resource_are_found_in_its_order_and_chosen_by_number() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let resource = json!({
            "text": "Binary/of the stars",
            "content": [{ "attachment": { "url": format!("Binary/{one}") } }, { "url": format!("Binary/{two}") }],
            "again": format!("Binary/{one}"),
        });
        let found = documents(&resource);
        assert_eq!(found, [one, two]);
        assert_eq!(chosen(&found, Some(2)).expect("the second"), two);
        assert_eq!(chosen(&found[..1], None).expect("the only one"), one);
        for (documents, number) in [(&found[..], None), (&found[..], Some(3)), (&found[..], Some(0)), (&[], None)] {
            assert!(chosen(documents, number).is_err());
        }
    }
}
