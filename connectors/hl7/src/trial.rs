//! What a door would have against a message, all of it: for samples that nobody sends.

use std::net::{IpAddr, Ipv4Addr};

use causeway_core::envelope::{Refusal, TraceId};
use causeway_core::reason::Reason;
use jiff::Timestamp;

use crate::batch::{Count, Level, Piece, Splitter};
use crate::config::{FeedConfig, Network, Pattern, SenderPattern};
use crate::feed::Feed;
use crate::peer::{Peer, Token};
use crate::seal::{Parcel, Receipt, Sealed, Sealer, Supports};

/// How many objections are looked for: each setting of a feed can object once.
const OBJECTIONS_MAX: usize = 8;

/// Why a feed would refuse a message, in the order the door would find it; empty when it would take it. A door stops at
/// the first objection; here the setting that objects is opened, and the door asked again. Where the sender connects
/// from, and with which certificate, is left aside.
pub fn refusals(feed: &FeedConfig, supports: &Supports, payload: &[u8]) -> Vec<Refusal> {
    let mut config = FeedConfig { from: Network::LOOPBACK.to_vec(), certificates: Vec::new(), ..feed.clone() };
    let mut refusals = Vec::new();
    while refusals.len() < OBJECTIONS_MAX {
        let Some(refusal) = objection(&config, supports, payload) else { break };
        let opened = open(&mut config, refusal.reason);
        refusals.push(refusal);
        if !opened {
            break;
        }
    }
    refusals
}

/// What the headers and trailers of a batch (FHS, BHS, BTS, FTS) have against the file they stand in: a wrong count, or a
/// part that is missing. What came is taken all the same, but for a last message that may lack its own end.
pub fn batch_faults(file: &[u8]) -> Vec<Refusal> {
    let (mut count, mut faults) = (Count::default(), Vec::new());
    let mut note = |reason: Option<Reason>, place: &str| {
        faults.extend(reason.map(|reason| Refusal { reason, place: place.to_owned() }));
    };
    let mut splitter = Splitter::new(file, usize::MAX);
    while let Ok(Some(piece)) = splitter.next() {
        match piece {
            Piece::Message(_) | Piece::Cut(_) | Piece::TooLong(_) => count.message(),
            Piece::Open(level, _) => note(count.open(level), if level == Level::File { "FHS" } else { "BHS" }),
            Piece::Close(level, trailer) => {
                note(count.close(level, trailer), if level == Level::File { "FTS-1" } else { "BTS-1" });
            }
        }
    }
    note(count.end(), "");
    faults
}

/// The first objection.
fn objection(config: &FeedConfig, supports: &Supports, payload: &[u8]) -> Option<Refusal> {
    let feeds = [Feed::new(config.clone(), None)];
    let peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate: None, token: Token::NotAsked };
    let sealer = Sealer { feeds: &feeds, supports, is_paused: &|_feed| false, peer: &peer };
    let receipt = Receipt { trace: TraceId(uuid::Uuid::nil()), at: Timestamp::UNIX_EPOCH };
    match sealer.seal(Parcel { payload, flaw: None }, receipt) {
        Sealed::Keep(kept) => kept.envelope.refusal,
        Sealed::Refuse(refused) => Some(Refusal { reason: refused.reason, place: refused.place }),
        Sealed::Link(_) => None,
        // Never answered and never kept.
        Sealed::Acknowledgement | Sealed::Nothing => {
            Some(Refusal { reason: Reason::UnsupportedType, place: "MSH-9".to_owned() })
        }
    }
}

/// Opens the setting that objected; `false` when the message itself is at fault.
fn open(config: &mut FeedConfig, reason: Reason) -> bool {
    if reason == Reason::FeedUnknown {
        config.senders = vec![SenderPattern::any()];
    } else if reason == Reason::NotForUs {
        config.receivers = vec![SenderPattern::any()];
    } else if reason == Reason::VersionUnknown {
        config.versions = vec![Pattern::any()];
    } else if reason == Reason::ProcessingId {
        config.processing_ids = vec![Pattern::any()];
    } else if reason == Reason::TooLong && config.frame_bytes_max < u64::MAX {
        config.frame_bytes_max = u64::MAX;
    } else {
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::FeedName;
    use causeway_core::provider::ProviderId;

    use super::*;
    use crate::Support;

    fn reasons(message: &str) -> Vec<(Reason, String)> {
        let name = FeedName::parse("lab").expect("a name");
        let sender = "LIS|QMH".parse().expect("a pattern");
        let feed = FeedConfig::new(name, ProviderId("HA".to_owned()), vec![sender]);
        let supports = |_: &str, _: &str| Support::Taken { patient: true };
        refusals(&feed, &supports, message.as_bytes()).into_iter().map(|r| (r.reason, r.place)).collect()
    }

    #[test]
    fn every_setting_that_objects_is_told_and_not_only_the_first() {
        assert_eq!(reasons("MSH|^~\\&|LIS|QMH|||2026||ADT^A01|1|P|2.5\rPID|1||7\r"), []);
        let told = reasons("MSH|^~\\&|RIS|QMH|||2026||ADT^A01|1|T|3.0\rPID|1\r");
        let expected = [
            (Reason::FeedUnknown, "MSH-3"),
            (Reason::VersionUnknown, "MSH-12"),
            (Reason::ProcessingId, "MSH-11"),
            (Reason::MissingField, "PID-3"),
        ];
        assert_eq!(told, expected.map(|(reason, place)| (reason, place.to_owned())));
    }

    #[test]
    fn a_batch_that_does_not_hold_what_it_says_is_told_with_the_place() {
        let told = |text: &str| -> Vec<_> {
            batch_faults(text.as_bytes()).into_iter().map(|fault| (fault.reason, fault.place)).collect()
        };
        let message = "MSH|^~\\&|LIS|QMH|||2026||ADT^A01|1|P|2.5\rPID|1||7\r";
        assert_eq!(told(message), []);
        assert_eq!(told(&format!("FHS|^~\\&\rBHS|^~\\&\r{message}BTS|1\rFTS|1\r")), []);
        let wrong = told(&format!("FHS|^~\\&\rBHS|^~\\&\r{message}BTS|2\rFTS|2\r"));
        assert_eq!(wrong, [(Reason::BatchCount, "BTS-1".to_owned()), (Reason::BatchCount, "FTS-1".to_owned())]);
        assert_eq!(told(&format!("BHS|^~\\&\n{message}")), [(Reason::BatchCut, String::new())]);
    }

    #[test]
    fn what_is_no_message_is_told_once() {
        assert_eq!(reasons("hello").len(), 1);
        assert_eq!(reasons("").len(), 1);
    }
}
