//! Writes a synthetic world to a folder: `persons.jsonl`, `providers.jsonl`, `consents.jsonl` and `messages/*.hl7`.

use std::fs;
use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::encode;
use super::message::Source;
use super::person::{self, Synthetic};
use super::provider;
use super::story::Story;

/// What to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    /// The same seed gives the same files, byte for byte.
    pub(crate) seed: u64,
    /// How many persons.
    pub(crate) persons: u32,
    /// How many messages, over all feeds.
    pub(crate) messages: u32,
    /// When the first message is sent.
    pub(crate) start: Timestamp,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Written {
    /// Persons of the registry.
    pub(crate) persons: usize,
    /// Providers.
    pub(crate) providers: usize,
    /// Events of registration and consent.
    pub(crate) consents: usize,
    /// Messages.
    pub(crate) messages: usize,
}

/// Minutes between two messages of the written story.
const MINUTES: i64 = 4;

/// Writes a world. Files that are there already are replaced.
pub(crate) fn write(world: World, folder: &Path) -> io::Result<Written> {
    let messages = folder.join("messages");
    fs::create_dir_all(&messages)?;
    let persons = person::roll(world.seed, world.persons);
    let registered: Vec<_> = persons.iter().filter_map(Synthetic::registration).collect();
    let providers = provider::all();
    let consents: Vec<_> = persons.iter().flat_map(consent_lines).collect();
    lines(&folder.join("persons.jsonl"), &registered)?;
    lines(&folder.join("providers.jsonl"), &providers)?;
    lines(&folder.join("consents.jsonl"), &consents)?;
    let written = Written {
        persons: registered.len(),
        providers: providers.len(),
        consents: consents.len(),
        messages: story(world, persons, &messages)?,
    };
    Ok(written)
}

/// The events of a person in the hub's own form, the person named by the identity card.
fn consent_lines(person: &Synthetic) -> Vec<serde_json::Value> {
    let events = person.events().into_iter().zip(1_u32..);
    events
        .map(|(event, seq)| {
            let mut line = json!({ "seq": seq, "type": event.kind, "hcr": person.hkid });
            if let (Some(object), Some(provider)) = (line.as_object_mut(), &event.provider) {
                object.insert("hcp".to_owned(), json!(provider.0));
            }
            if let Some(object) = line.as_object_mut() {
                object.insert("at".to_owned(), json!(event.at.to_string()));
                object.insert("by".to_owned(), json!("SELF"));
                object.insert("channel".to_owned(), json!(event.channel));
                object.insert("policy".to_owned(), json!(event.policy));
            }
            line
        })
        .collect()
}

/// One file a feed; messages are parted by a blank line, segments end with carriage returns.
fn story(world: World, persons: Vec<Synthetic>, folder: &Path) -> io::Result<usize> {
    let mut story = Story::new(world.seed, world.start.strftime("%y%m%d").to_string(), persons);
    let mut files: Vec<(Source, Vec<u8>)> = Source::ALL.iter().map(|source| (*source, Vec::new())).collect();
    let mut count = 0;
    for turn in 0..i64::from(world.messages) {
        let Some(sent) = story.next(world.start + SignedDuration::from_mins(turn * MINUTES)) else { break };
        if let Some((_, file)) = files.iter_mut().find(|(source, _)| *source == sent.source) {
            file.extend_from_slice(&encode::bytes(&sent));
            file.push(b'\n');
            count += 1;
        }
    }
    for (source, bytes) in files {
        fs::write(folder.join(format!("{}.hl7", source.feed())), bytes)?;
    }
    Ok(count)
}

fn lines<T: Serialize>(path: &Path, items: &[T]) -> io::Result<()> {
    let mut text = Vec::new();
    for item in items {
        serde_json::to_writer(&mut text, item)?;
        text.push(b'\n');
    }
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use causeway_core::consent::import;

    use super::*;

    fn world() -> World {
        World { seed: 20, persons: 30, messages: 200, start: Timestamp::from_second(1_790_000_000).expect("in range") }
    }

    #[test]
    fn the_same_seed_writes_the_same_files() {
        let (one, other) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let written = write(world(), one.path()).expect("written");
        assert_eq!(write(world(), other.path()).expect("written"), written);
        assert_eq!(written.messages, 200);
        for name in ["persons.jsonl", "consents.jsonl", "messages/laboratory.hl7", "messages/clinic.hl7"] {
            let read = |folder: &Path| fs::read(folder.join(name)).expect(name);
            assert_eq!(read(one.path()), read(other.path()), "{name}");
            assert!(!read(one.path()).is_empty(), "{name}");
        }
    }

    #[test]
    fn consents_are_written_in_the_form_the_import_reads() {
        let folder = tempfile::tempdir().expect("folder");
        write(world(), folder.path()).expect("written");
        let text = fs::read_to_string(folder.path().join("consents.jsonl")).expect("text");
        let events: Vec<_> = import::read(&text).collect::<Result<_, _>>().expect("well formed");
        assert!(events.len() >= 20, "{}", events.len());
        assert!(events.iter().any(|event| event.hcp.is_some()));
    }
}
