//! Dice that fall the same way for the same seed: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Good enough for
//! made-up data; not for secrets.

/// Seeded dice.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one thing, so that the others fall the same way whether it is rolled or not.
    pub(crate) fn fork(&self, what: u64) -> Self {
        let mut fork = Self(self.0 ^ what.wrapping_mul(0xd6e8_feb8_6659_fd93));
        fork.roll();
        fork
    }

    /// The next 64 bits.
    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) const fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = high.saturating_sub(low) as u64 + 1;
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a number that fits in 33 bits, less one")]
        let step = (self.roll() % span) as u32;
        low.saturating_add(step)
    }

    /// Whether a chance of so many in a hundred comes true.
    pub(crate) const fn percent(&mut self, chance: u32) -> bool {
        self.between(1, 100) <= chance
    }

    /// One of these; `None` only of nothing.
    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        let last = u32::try_from(from.len().checked_sub(1)?).ok()?;
        from.get(usize::try_from(self.between(0, last)).ok()?)
    }

    /// One of these, by weight; `None` only of nothing.
    pub(crate) fn weighted<'t, T>(&mut self, from: &'t [(u32, T)]) -> Option<&'t T> {
        let total: u32 = from.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.between(1, total.max(1));
        for (weight, thing) in from {
            if rest <= *weight {
                return Some(thing);
            }
            rest -= weight;
        }
        None
    }

    /// A number around 0, mostly between -1 and 1: the sum of three even rolls.
    pub(crate) fn around_zero(&mut self) -> f64 {
        let even = |dice: &mut Self| f64::from(dice.between(0, 20_000)) / 10_000.0 - 1.0;
        (even(self) + even(self) + even(self)) / 1.732
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way() {
        let (mut one, mut other) = (Dice::new(7), Dice::new(7));
        assert!((0..100).all(|_| one.roll() == other.roll()));
        assert_ne!(Dice::new(7).roll(), Dice::new(8).roll());
        assert_eq!(Dice::new(0).roll(), 0xe220_a839_7b1d_cdaf, "the published first value of seed 0");
    }

    #[test]
    fn bounds_hold_and_weights_count() {
        let mut dice = Dice::new(1);
        assert!((0..1000).all(|_| (3..=5).contains(&dice.between(3, 5))));
        assert_eq!(dice.between(9, 9), 9);
        assert_eq!(dice.pick::<u8>(&[]), None);
        let heavy = (0..1000).filter(|_| dice.weighted(&[(9, 'a'), (1, 'b')]) == Some(&'a')).count();
        assert!((850..950).contains(&heavy), "{heavy}");
    }
}
