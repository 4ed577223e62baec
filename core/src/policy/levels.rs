//! The least level of structure a domain's records need: the table of the standard, over which a configuration may lie.

use crate::scope::{Domain, Level};

/// The least level of each domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumLevels([Level; Domain::ALL.len()]); // INVARIANT: in the order of `Domain::ALL`.

impl MinimumLevels {
    /// The least level of a domain.
    pub fn of(&self, domain: Domain) -> Level {
        let found = Domain::ALL.iter().zip(self.0).find(|(one, _)| **one == domain);
        found.map_or_else(|| domain.minimum(), |(_, level)| level)
    }

    /// The same, but for one domain.
    #[must_use]
    pub fn with(mut self, domain: Domain, level: Level) -> Self {
        let places = Domain::ALL.iter().zip(&mut self.0);
        places.filter(|(one, _)| **one == domain).for_each(|(_, place)| *place = level);
        self
    }
}

/// Those of the standard: [`Domain::minimum`].
impl Default for MinimumLevels {
    fn default() -> Self {
        let mut levels = [Level::Coded; Domain::ALL.len()];
        for (level, domain) in levels.iter_mut().zip(Domain::ALL) {
            *level = domain.minimum();
        }
        Self(levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_one_domain_leaves_the_others() {
        let levels = MinimumLevels::default().with(Domain::Laboratory, Level::Coded);
        for domain in Domain::ALL {
            let expected = if *domain == Domain::Laboratory { Level::Coded } else { domain.minimum() };
            assert_eq!(levels.of(*domain), expected, "{domain}");
        }
    }
}
