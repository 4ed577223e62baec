//! What a standing says about sharing with one provider at one instant.

use jiff::{Timestamp, civil, tz};

use super::{Registration, Sharing, SharingState, Standing};
use crate::policy::PolicyVersion;
use crate::provider::Provider;

/// Sharing consent of one person to one provider at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharingView {
    /// Follows from joining: the provider was on the implied list when the person joined.
    Implied {
        /// The policy of the joining consent.
        policy: PolicyVersion,
    },
    /// Given, and in force.
    Live {
        /// The policy under which it was given.
        policy: PolicyVersion,
        /// The first instant at which it no longer holds; `None` until revoked.
        until: Option<Timestamp>,
    },
    /// Given for a year that is over.
    Expired {
        /// The first instant at which it no longer held.
        at: Timestamp,
    },
    /// Taken back by the person.
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// None: never given, not yet given, or ended with a registration; and whenever the registration is not active.
    Absent,
}

impl SharingView {
    /// The policy of the consent that holds; `None` when none does.
    pub const fn holds(self) -> Option<PolicyVersion> {
        match self {
            Self::Implied { policy } | Self::Live { policy, .. } => Some(policy),
            Self::Expired { .. } | Self::Revoked { .. } | Self::Absent => None,
        }
    }
}

impl Standing {
    /// Whether the person is a participant at `at`: active, and joined by then.
    pub fn participates(&self, at: Timestamp) -> bool {
        self.registration == Registration::Active && self.joined_at.is_some_and(|joined| joined <= at)
    }

    /// Sharing with `provider` at `at`. An implied consent covers an explicit one. Of a person who does not take part
    /// at `at` nothing is shared, whatever was given: the answer is [`SharingView::Absent`].
    ///
    /// The standing is the one that was reached at `at`; for the past, take [`super::standing_at`].
    pub fn sharing_with(&self, provider: &Provider, at: Timestamp) -> SharingView {
        if !self.participates(at) {
            return SharingView::Absent;
        }
        if let (true, Some(policy)) = (self.implies(provider), self.policy) {
            return SharingView::Implied { policy };
        }
        self.sharing.get(&provider.id).map_or(SharingView::Absent, |sharing| sharing.view(at))
    }

    /// Whether joining implied sharing with `provider`. The list in force when the person joined counts: a provider put
    /// on it later is implied for those who join from then on.
    pub(super) fn implies(&self, provider: &Provider) -> bool {
        let (Some(joined), Some(implied)) = (self.joined_at, provider.implied_since) else { return false };
        implied <= joined
    }
}

impl Sharing {
    /// Intervals are half-open: from the instant of giving to the instant of the end, which no longer belongs to it.
    pub(super) fn view(&self, at: Timestamp) -> SharingView {
        if at < self.since {
            return SharingView::Absent;
        }
        match self.state {
            SharingState::Indefinite => SharingView::Live { policy: self.policy, until: None },
            SharingState::OneYear { until } if at < until => {
                SharingView::Live { policy: self.policy, until: Some(until) }
            }
            SharingState::OneYear { until } => SharingView::Expired { at: until },
            SharingState::Revoked => SharingView::Revoked { at: self.since },
            SharingState::Terminated => SharingView::Absent,
        }
    }
}

/// The end of a one-year consent given at `from`: the start of the same day next year in Hong Kong (UTC+8, no daylight
/// saving); 29 February gives 1 March. `None` beyond the year 9999.
pub(super) fn one_year_from(from: Timestamp) -> Option<Timestamp> {
    let zone = tz::TimeZone::fixed(tz::offset(8));
    let given = from.to_zoned(zone.clone()).date();
    let year = given.year().checked_add(1)?;
    let same_day = civil::Date::new(year, given.month(), given.day());
    let until = same_day.or_else(|_| civil::Date::new(year, 3, 1)).ok()?;
    Some(until.to_zoned(zone).ok()?.timestamp())
}
