//! The state machines of registration and sharing consent: which event is possible when, and what it changes. The
//! letters and numbers are the rows of the tables in docs/decisions/0002-deposit-and-access.md.

use jiff::Timestamp;

use super::sharing::one_year_from;
use super::{ConsentEvent, ConsentEventKind, Registration, Sharing, SharingState, SharingView, Standing};
use crate::disposition::Disposition;
use crate::policy::PolicyVersion;
use crate::provider::{Provider, ProviderId, ProviderStatus};

impl Standing {
    /// Takes in one event, or refuses it and stays as it was. `provider` is the registry's entry of `event.provider`.
    ///
    /// # Errors
    /// See [`ConsentError`]. An event that arrives late is refused ([`ConsentError::OutOfOrder`]): what events add up to
    /// depends on their time, not on their arrival, so the caller builds the standing anew with [`super::replay`].
    pub fn apply(&mut self, event: &ConsentEvent, provider: Option<&Provider>) -> Result<(), ConsentError> {
        match Step::of(event.kind) {
            Step::Registration(step) => self.register(step, event),
            Step::Sharing(step) => {
                let provider = named(event, provider)?;
                if step.gives() && provider.status != ProviderStatus::Registered {
                    return Err(ConsentError::ProviderStatus { id: provider.id.clone() });
                }
                self.share(step, event, provider)
            }
        }
    }

    /// As [`Standing::apply`], for an event that was recorded once: whether the provider is registered today says
    /// nothing about the day of the event (B8).
    pub(super) fn apply_recorded(
        &mut self,
        event: &ConsentEvent,
        provider: Option<&Provider>,
    ) -> Result<(), ConsentError> {
        match Step::of(event.kind) {
            Step::Registration(step) => self.register(step, event),
            Step::Sharing(step) => self.share(step, event, named(event, provider)?),
        }
    }

    /// State machine A.
    fn register(&mut self, step: RegistrationStep, event: &ConsentEvent) -> Result<(), ConsentError> {
        let latest = self.sharing.values().map(|sharing| sharing.since).chain(self.changed_at).max();
        in_order(event.at, latest)?;
        let (from, to) = step.row();
        if !from.contains(&self.registration) {
            return Err(ConsentError::Registration { kind: event.kind, from: self.registration });
        }
        match step {
            // The joining consent is given with the application, under the policy of that day; it is pending.
            RegistrationStep::Submit => self.policy = Some(event.policy),
            RegistrationStep::Register => {
                self.policy = Some(event.policy);
                self.joined_at = Some(event.at);
            }
            RegistrationStep::Activate => self.joined_at = Some(event.at),
            RegistrationStep::Lapse => self.policy = None,
            // Every consent ends in the same step (B7), and none revives on rejoining.
            RegistrationStep::Withdraw | RegistrationStep::Cancel => self.terminate_all(event.at),
            // Consents stay as they are, and count for nothing while the registration is not active.
            RegistrationStep::Suspend | RegistrationStep::Reinstate | RegistrationStep::Die => {}
        }
        self.registration = to;
        self.changed_at = Some(event.at);
        Ok(())
    }

    fn terminate_all(&mut self, at: Timestamp) {
        for sharing in self.sharing.values_mut() {
            sharing.state = SharingState::Terminated;
            sharing.since = at;
        }
    }

    /// State machine B.
    fn share(&mut self, step: SharingStep, event: &ConsentEvent, provider: &Provider) -> Result<(), ConsentError> {
        let id = &provider.id;
        let former = self.sharing.get(id);
        in_order(event.at, former.map(|sharing| sharing.since).max(self.changed_at))?;
        if !step.possible_while().contains(&self.registration) {
            return Err(ConsentError::Registration { kind: event.kind, from: self.registration });
        }
        if self.implies(provider) {
            return Err(ConsentError::Implied { id: id.clone() });
        }
        let view = former.map_or(SharingView::Absent, |sharing| sharing.view(event.at));
        let (state, policy) = step.after(view, event, id)?;
        self.sharing.insert(id.clone(), Sharing { state, policy, since: event.at });
        Ok(())
    }
}

/// The two machines have no event in common.
enum Step {
    Registration(RegistrationStep),
    Sharing(SharingStep),
}

#[derive(Clone, Copy)]
enum RegistrationStep {
    Submit,
    Register,
    Activate,
    Lapse,
    Suspend,
    Reinstate,
    Withdraw,
    Cancel,
    Die,
}

#[derive(Clone, Copy)]
enum SharingStep {
    GiveIndefinite,
    GiveOneYear,
    Renew,
    Revoke,
}

impl Step {
    const fn of(kind: ConsentEventKind) -> Self {
        match kind {
            ConsentEventKind::SubmitApplication => Self::Registration(RegistrationStep::Submit),
            ConsentEventKind::RegisterInPerson => Self::Registration(RegistrationStep::Register),
            ConsentEventKind::Activate => Self::Registration(RegistrationStep::Activate),
            ConsentEventKind::ExpireApplication => Self::Registration(RegistrationStep::Lapse),
            ConsentEventKind::Suspend => Self::Registration(RegistrationStep::Suspend),
            ConsentEventKind::Reinstate => Self::Registration(RegistrationStep::Reinstate),
            ConsentEventKind::Withdraw => Self::Registration(RegistrationStep::Withdraw),
            ConsentEventKind::Cancel => Self::Registration(RegistrationStep::Cancel),
            ConsentEventKind::RecordDeath => Self::Registration(RegistrationStep::Die),
            ConsentEventKind::GiveIndefinite => Self::Sharing(SharingStep::GiveIndefinite),
            ConsentEventKind::GiveOneYear => Self::Sharing(SharingStep::GiveOneYear),
            ConsentEventKind::Renew => Self::Sharing(SharingStep::Renew),
            ConsentEventKind::Revoke => Self::Sharing(SharingStep::Revoke),
        }
    }
}

impl RegistrationStep {
    /// From which states, to which one: rows A1 to A9.
    const fn row(self) -> (&'static [Registration], Registration) {
        use Registration::{Active, Applied, Cancelled, Deceased, None, Suspended, Withdrawn};
        match self {
            Self::Submit => (&[None, Withdrawn, Cancelled], Applied),
            Self::Register => (&[None, Withdrawn, Cancelled], Active),
            Self::Activate => (&[Applied], Active),
            Self::Lapse => (&[Applied], None),
            Self::Suspend => (&[Active], Suspended),
            Self::Reinstate => (&[Suspended], Active),
            Self::Withdraw => (&[Active, Suspended, Applied], Withdrawn),
            Self::Cancel => (&[Active, Suspended], Cancelled),
            Self::Die => (&[Active], Deceased),
        }
    }
}

impl SharingStep {
    const fn gives(self) -> bool {
        match self {
            Self::GiveIndefinite | Self::GiveOneYear => true,
            Self::Renew | Self::Revoke => false,
        }
    }

    /// Giving needs an active registration; taking back is possible during a suspension too.
    const fn possible_while(self) -> &'static [Registration] {
        match self {
            Self::GiveIndefinite | Self::GiveOneYear | Self::Renew => &[Registration::Active],
            Self::Revoke => &[Registration::Active, Registration::Suspended],
        }
    }

    /// Rows B2 to B6: the state after, and the policy it is under.
    fn after(
        self,
        from: SharingView,
        event: &ConsentEvent,
        id: &ProviderId,
    ) -> Result<(SharingState, PolicyVersion), ConsentError> {
        match from {
            SharingView::Implied { .. } => Err(ConsentError::Implied { id: id.clone() }),
            SharingView::Absent | SharingView::Expired { .. } | SharingView::Revoked { .. } => match self {
                Self::GiveIndefinite => Ok((SharingState::Indefinite, event.policy)),
                Self::GiveOneYear => one_year(event),
                Self::Renew | Self::Revoke => Err(ConsentError::NothingGiven { id: id.clone() }),
            },
            SharingView::Live { until, policy } => match (self, until.is_some()) {
                (Self::GiveIndefinite, true) => Ok((SharingState::Indefinite, event.policy)),
                (Self::GiveOneYear, false) | (Self::Renew, true) => one_year(event),
                (Self::Revoke, true | false) => Ok((SharingState::Revoked, policy)),
                (Self::GiveIndefinite, false) | (Self::GiveOneYear, true) => {
                    Err(ConsentError::AlreadyGiven { id: id.clone() })
                }
                (Self::Renew, false) => Err(ConsentError::NothingGiven { id: id.clone() }),
            },
        }
    }
}

fn one_year(event: &ConsentEvent) -> Result<(SharingState, PolicyVersion), ConsentError> {
    match event.policy {
        PolicyVersion::V2019 => {
            let until = one_year_from(event.at).ok_or(ConsentError::DateRange)?;
            Ok((SharingState::OneYear { until }, event.policy))
        }
        PolicyVersion::V2025 => Err(ConsentError::OneYearNotOffered),
    }
}

fn named<'p>(event: &ConsentEvent, provider: Option<&'p Provider>) -> Result<&'p Provider, ConsentError> {
    provider
        .filter(|provider| event.provider.as_ref() == Some(&provider.id))
        .ok_or_else(|| ConsentError::ProviderUnknown { id: event.provider.clone() })
}

fn in_order(at: Timestamp, latest: Option<Timestamp>) -> Result<(), ConsentError> {
    match latest {
        Some(latest) if at < latest => Err(ConsentError::OutOfOrder { at, latest }),
        Some(_) | None => Ok(()),
    }
}

/// Why an event is not possible. Nothing of the person is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    /// The registration is in a state in which the event is not possible.
    #[error("{kind} is not possible while the registration is `{from}`")]
    Registration {
        /// What was tried.
        kind: ConsentEventKind,
        /// Where the registration stands.
        from: Registration,
    },
    /// A sharing event that names no provider, or one the registry does not know.
    #[error("a sharing consent needs a provider of the registry, and {} is none", id.as_ref().map_or("(nothing)", |id| &id.0))]
    ProviderUnknown {
        /// What was named.
        id: Option<ProviderId>,
    },
    /// The provider is suspended or withdrawn.
    #[error("provider {id} is not registered at present, so no consent can be given to it")]
    ProviderStatus {
        /// Which.
        id: ProviderId,
    },
    /// Sharing with this provider follows from joining.
    #[error(
        "sharing with {id} follows from joining and is neither given nor revoked by itself; withdraw the registration to end it"
    )]
    Implied {
        /// Which.
        id: ProviderId,
    },
    /// There is such a consent already.
    #[error("provider {id} holds such a consent already")]
    AlreadyGiven {
        /// To whom.
        id: ProviderId,
    },
    /// Nothing to renew or revoke.
    #[error("provider {id} holds no consent that could be renewed or revoked so")]
    NothingGiven {
        /// To whom.
        id: ProviderId,
    },
    /// One-year consents ended with the 2019 policy.
    #[error("a one-year consent can be given and renewed under policy 2019 only; give an indefinite one")]
    OneYearNotOffered,
    /// The event is dated before one that is recorded already: the standing has to be built anew from all events.
    #[error("dated {at}, before what is recorded already ({latest})")]
    OutOfOrder {
        /// When the event took effect.
        at: Timestamp,
        /// The change it would have to precede.
        latest: Timestamp,
    },
    /// The end of the consent lies beyond the calendar.
    #[error("the date is out of range")]
    DateRange,
}

impl ConsentError {
    /// What the caller does about it: the event is refused, nothing changes.
    pub const fn disposition(&self) -> Disposition {
        Disposition::Reject
    }
}
