//! One message, ready to be planned: what is known of it as a whole, and what mapping made of it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use causeway_core::envelope::{Envelope, FeedName, Refusal};
use causeway_core::feed::FeedSettings;
use causeway_core::fetch::Document;
use causeway_core::mapped::{Fault, Identity, Mapped, Pending};
use causeway_core::outcome::MessageFacts;
use causeway_core::port::{Entry, Lookup, Map, MessageKey};
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;

/// One message, ready to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What is known of it as a whole. The provider is empty when its feed is not configured any more.
    pub facts: MessageFacts,
    /// Whether the sender got a negative acknowledgement.
    pub refused: bool,
    /// What there is to plan with.
    pub content: Content,
}

/// What there is to plan with.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The door refused it and kept it.
    Refused(Refusal),
    /// Its feed is not configured any more, so nobody can say whose data it is (D1).
    FeedUnknown,
    /// The log does not hold it any more.
    Gone,
    /// Mapped.
    Mapped(Box<Mapped>),
}

/// What the door said about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Is final: the first time.
    Respected,
    /// Is asked again where it hung on settings that may have changed since: a replay.
    Reexamined,
}

impl Message {
    /// Prepares an entry of the log, with documents that its pointers lead to.
    pub(crate) fn prepare(
        entry: &Entry,
        map: &dyn Map,
        documents: &[Document],
        feeds: &BTreeMap<FeedName, FeedSettings>,
        door: Door,
    ) -> Self {
        let refusal = entry.envelope.refusal.as_ref();
        let of = |facts, content| Self { facts, refused: refusal.is_some(), content };
        let Some(feed) = feeds.get(&entry.envelope.feed) else {
            return of(facts(entry, ProviderId(String::new())), Content::FeedUnknown);
        };
        let mut facts = facts(entry, feed.provider.clone());
        if let Some(refusal) = refusal
            && (door == Door::Respected || !hangs_on_settings(refusal.reason))
        {
            return of(facts, Content::Refused(refusal.clone()));
        }
        let mut mapped = guarded(map, &entry.envelope, documents);
        for record in &mut mapped.records {
            record.clock.offset = entry.position.offset.0;
        }
        if let Some(identity) = &mut mapped.identity {
            // A feed speaks for its own provider's numbers only.
            for numbers in [&mut identity.local_numbers, &mut identity.prior.local_numbers] {
                numbers.retain(|number| number.provider == feed.provider);
            }
        }
        // The door may have failed to read what the mapper, with other settings, could.
        for (known, read) in [(&mut facts.control_id, &mapped.control_id), (&mut facts.kind, &mapped.kind)] {
            if known.is_empty() {
                known.clone_from(read);
            }
        }
        of(facts, Content::Mapped(Box::new(mapped)))
    }

    /// What the repository is asked about it.
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup { provider: &self.facts.provider, identity: self.identity(), message: None }
    }

    /// The same, and whether it was there before. What the door refused it refused anew; without a control id nobody can
    /// say that two messages are one.
    pub(crate) fn lookup_as_new(&self) -> Lookup<'_> {
        let MessageFacts { feed, sender, control_id, digest, .. } = &self.facts;
        let asked = !self.refused && !control_id.is_empty();
        let message = asked.then_some(MessageKey { feed, sender, control_id, digest: *digest });
        Lookup { message, ..self.lookup() }
    }

    /// The documents it still waits for.
    pub(crate) fn pending(&self) -> &[Pending] {
        match &self.content {
            Content::Mapped(mapped) => &mapped.pending,
            Content::Refused(_) | Content::FeedUnknown | Content::Gone => &[],
        }
    }

    /// The same, to say more of them.
    pub(crate) fn pending_mut(&mut self) -> &mut [Pending] {
        match &mut self.content {
            Content::Mapped(mapped) => &mut mapped.pending,
            Content::Refused(_) | Content::FeedUnknown | Content::Gone => &mut [],
        }
    }

    fn identity(&self) -> Option<&Identity> {
        match &self.content {
            Content::Mapped(mapped) => mapped.identity.as_ref(),
            Content::Refused(_) | Content::FeedUnknown | Content::Gone => None,
        }
    }
}

/// Refusals that another configuration of the feed could have spared: on a replay the mapper decides anew.
const fn hangs_on_settings(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Undecodable
            | Reason::CharsetUnknown
            | Reason::UnsupportedType
            | Reason::UnsupportedEvent
            | Reason::ProcessingId
            | Reason::VersionUnknown
    )
}

/// Maps, and survives a mapper that panics. Mappers promise not to; but a promise broken on one message would stop the
/// partition, and again after every restart, and so stop everybody for one (promise 7). Nothing is shared that a panic
/// could leave half done: the mapper is pure and the envelope is only read.
fn guarded(map: &dyn Map, envelope: &Envelope, documents: &[Document]) -> Mapped {
    catch_unwind(AssertUnwindSafe(|| map.map_with(envelope, documents))).unwrap_or_else(|_| {
        tracing::error!(trace = %envelope.trace, feed = %envelope.feed, "the mapper panicked; the message is held");
        let text = "the mapper stopped in the middle of the message".to_owned();
        let fault = Fault { reason: Reason::Unmappable, place: String::new(), offset: None, text };
        Mapped { faults: vec![fault], ..Mapped::default() }
    })
}

fn facts(entry: &Entry, provider: ProviderId) -> MessageFacts {
    let envelope = &entry.envelope;
    MessageFacts {
        position: entry.position,
        trace: envelope.trace,
        feed: envelope.feed.clone(),
        format: envelope.format,
        provider,
        sender: envelope.sender.clone(),
        control_id: envelope.control_id.clone(),
        kind: envelope.kind.clone(),
        received_at: envelope.received_at,
        digest: envelope.digest,
        bytes: u64::try_from(envelope.body.expose().len()).unwrap_or(u64::MAX),
        control_id_reused: entry.control_id_reused,
    }
}
