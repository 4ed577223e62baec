//! A blocked Bloom filter: says "certainly not" or "perhaps" with one cache line a question.

/// Bits for each key, of which eight are set: about one question in a hundred is answered "perhaps" for nothing.
const BITS_PER_KEY: usize = 12;

/// The filter.
#[derive(Debug)]
pub(super) struct Filter(Vec<[u64; 8]>);

impl Filter {
    /// A filter for so many keys.
    pub(super) fn new(keys: usize) -> Self {
        Self(vec![[0; 8]; (keys.saturating_mul(BITS_PER_KEY) / 512).saturating_add(1)])
    }

    /// Adds a key.
    pub(super) fn insert(&mut self, key: u64) {
        let (block, bits) = self.place(key);
        let Some(words) = self.0.get_mut(block) else { return };
        for (word, bit) in words.iter_mut().zip(bits) {
            *word |= bit;
        }
    }

    /// False: it was never added.
    pub(super) fn may_hold(&self, key: u64) -> bool {
        let (block, bits) = self.place(key);
        self.0.get(block).is_some_and(|words| words.iter().zip(bits).all(|(word, bit)| word & bit != 0))
    }

    /// The block of a key, and its bit in each word.
    fn place(&self, key: u64) -> (usize, [u64; 8]) {
        let mixed = mix(key);
        let blocks = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        // The upper half of a product is a fair choice among `blocks`, without a division.
        let block = ((mixed >> 32) * blocks) >> 32;
        let mut bits = mix(mixed);
        let bits = std::array::from_fn(|_| {
            let bit = 1 << (bits & 63);
            bits >>= 6;
            bit
        });
        (usize::try_from(block).unwrap_or(0), bits)
    }
}

/// SplitMix64: spreads every bit over all bits.
const fn mix(key: u64) -> u64 {
    let mixed = key.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_always_found_and_little_else() {
        let mut filter = Filter::new(10_000);
        (0..10_000).for_each(|key| filter.insert(key * 3));
        assert!((0..10_000).all(|key| filter.may_hold(key * 3)));
        let wrong = (0..10_000).filter(|key| filter.may_hold(key * 3 + 1)).count();
        assert!(wrong < 200, "{wrong} of 10,000");
    }
}
