//! The control ids of what we send.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use uuid::Uuid;

/// Gives control ids (MSH-10) that no other message of ours has or will have: twenty characters, the most that versions
/// before 2.7 allow. The first twelve are the start of this process and chance, the last eight a counter.
#[derive(Debug)]
pub struct MessageIds {
    instance: [u8; INSTANCE],
    counter: AtomicU64,
}

const INSTANCE: usize = 12;
const COUNTER: usize = 8;

/// Crockford's base 32: no letter that is taken for a digit.
const ALPHABET: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl MessageIds {
    /// Ids of a process that started at `started`; `chance` tells apart two that start in the same millisecond.
    pub fn new(started: Timestamp, chance: Uuid) -> Self {
        let millis = u64::try_from(started.as_millisecond()).unwrap_or(0);
        let mut instance = [b'0'; INSTANCE];
        let (time, random) = instance.split_at_mut(9);
        write_base32(time, millis);
        write_base32(random, chance.as_u64_pair().1);
        Self { instance, counter: AtomicU64::new(0) }
    }

    /// Appends the next id.
    pub fn write_next(&self, out: &mut Vec<u8>) {
        let mut counter = [b'0'; COUNTER];
        write_base32(&mut counter, self.counter.fetch_add(1, Ordering::Relaxed));
        out.extend_from_slice(&self.instance);
        out.extend_from_slice(&counter);
    }
}

/// The low five bits a character, the last character first.
fn write_base32(into: &mut [u8], mut value: u64) {
    for slot in into.iter_mut().rev() {
        let digit = usize::try_from(value & 31).unwrap_or(0);
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        value >>= 5;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn next(ids: &MessageIds) -> String {
        let mut out = Vec::new();
        ids.write_next(&mut out);
        String::from_utf8(out).expect("ascii")
    }

    #[test]
    fn no_two_answers_have_one_id_even_in_one_millisecond() {
        let ids = MessageIds::new(Timestamp::UNIX_EPOCH, Uuid::from_u128(7));
        let other = MessageIds::new(Timestamp::UNIX_EPOCH, Uuid::from_u128(8));
        let all: BTreeSet<String> = (0..40_000).flat_map(|_| [next(&ids), next(&other)]).collect();
        assert_eq!(all.len(), 80_000);
        assert!(all.iter().all(|id| id.len() == 20 && id.bytes().all(|b| b.is_ascii_alphanumeric())));
    }
}
