//! Pure mapping: the bytes of an envelope become records of the sharable scope, as FHIR R4 resources, with a note for
//! every field that was not used. No socket, file, clock or randomness: the same envelope gives the same records.
//!
//! [`hl7v2`] maps HL7 v2 messages, [`chinese_medicine`] records of Chinese-medicine visits. The other formats get a module beside it, and a line in [`Mappers::map`].

pub mod chinese_medicine;
mod codes;
pub mod dicom;
mod fhir;
pub mod hl7v2;
pub mod json;
mod minimum;

use std::collections::HashMap;

use causeway_core::envelope::{Envelope, FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::fetch::Document;
use causeway_core::mapped::{Fault, Mapped};
use causeway_core::port::Map;
use causeway_core::reason::Reason;
use jiff::tz::TimeZone;

/// The mappers of all feeds.
#[derive(Debug)]
pub struct Mappers {
    feeds: HashMap<FeedName, Feed>,
}

/// A feed, with its time zone looked up once.
#[derive(Debug)]
struct Feed {
    settings: FeedSettings,
    zone: Result<TimeZone, Fault>,
}

impl Mappers {
    /// Mappers for these feeds. A feed whose time zone is not known gives a fault for every message.
    pub fn new(feeds: Vec<FeedSettings>) -> Self {
        let of = |settings: FeedSettings| {
            let zone = hl7v2::zone_of(&settings);
            (settings.name.clone(), Feed { settings, zone })
        };
        Self { feeds: feeds.into_iter().map(of).collect() }
    }
}

impl Map for Mappers {
    fn map(&self, envelope: &Envelope) -> Mapped {
        self.map_with(envelope, &[])
    }

    fn map_with(&self, envelope: &Envelope, documents: &[Document]) -> Mapped {
        let stub =
            || Mapped { control_id: envelope.control_id.clone(), kind: envelope.kind.clone(), ..Mapped::default() };
        let refused = |reason: Reason, text: &str| {
            let fault = Fault { reason, place: String::new(), offset: None, text: text.to_owned() };
            Mapped { faults: vec![fault], ..stub() }
        };
        let Some(feed) = self.feeds.get(&envelope.feed) else {
            return refused(Reason::FeedUnknown, "the feed is no longer configured");
        };
        let zone = match &feed.zone {
            Ok(zone) => zone,
            Err(fault) => return Mapped { faults: vec![fault.clone()], ..stub() },
        };
        match envelope.format {
            Format::Hl7v2 => {
                let (body, offset) = (envelope.body.expose(), 0);
                let sent = hl7v2::Sent { body, offset, received_at: envelope.received_at, documents };
                hl7v2::map_in(sent, &feed.settings, zone)
            }
            Format::Dicom => dicom::map_in(envelope, &feed.settings, zone),
            Format::ChineseMedicine => {
                let mapped = chinese_medicine::map_in(envelope.body.expose(), &feed.settings, zone, 0);
                Mapped { control_id: stub().control_id, kind: stub().kind, ..mapped }
            }
        }
    }
}
