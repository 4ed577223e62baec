//! What must hold of the rules for every history, as properties over random ones.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil};
use proptest::prelude::*;

use super::*;
use crate::consent::{
    ConsentEvent, ConsentEventKind as Kind, Registration, SharingState, Standing, replay, standing_at,
};
use crate::person::PersonId;
use crate::provider::{Provider, ProviderId, ProviderKind, ProviderStatus};
use crate::scope::{Domain, Level};

const START: i64 = 1_704_038_400; // 2024-01-01T00:00:00+08:00
const DAY: i64 = 86_400;
/// Histories and questions lie within three years: policy 2019 and 2025, one-year consents running out.
const DAYS: i64 = 1_100;

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(START + number * DAY).expect("in range")
}

fn providers() -> Vec<Provider> {
    let provider = |id: &str, status, implied_since| Provider {
        id: ProviderId(id.to_owned()),
        name: String::new(),
        name_zh: String::new(),
        kind: ProviderKind::Clinic,
        status,
        implied_since,
        domains: BTreeMap::from([(Domain::Laboratory, civil::date(2024, 6, 1))]),
        locations: BTreeMap::new(),
    };
    vec![
        provider("HA", ProviderStatus::Registered, Some(day(0))),
        provider("1000000001", ProviderStatus::Registered, Some(day(500))),
        provider("1000000002", ProviderStatus::Registered, None),
        provider("1000000003", ProviderStatus::Suspended, None),
    ]
}

fn find<'p>(providers: &'p [Provider], id: &ProviderId) -> Option<&'p Provider> {
    providers.iter().find(|provider| provider.id == *id)
}

fn histories() -> impl Strategy<Value = Vec<ConsentEvent>> {
    // Joining and giving come up more often than the rest, so that histories get somewhere.
    let kind = prop_oneof![
        3 => Just(Kind::RegisterInPerson),
        4 => Just(Kind::GiveIndefinite),
        4 => Just(Kind::GiveOneYear),
        8 => proptest::sample::select(Kind::ALL),
    ];
    let event = (kind, 0_usize..4, 0..DAYS);
    proptest::collection::vec(event, 0..24).prop_map(|events| {
        let providers = providers();
        let numbered = (1_u32..).zip(events);
        numbered
            .map(|(seq, (kind, provider, number))| ConsentEvent {
                seq,
                kind,
                person: PersonId(1),
                provider: Some(providers[provider].id.clone()),
                at: day(number),
                policy: PolicyVersion::in_force(day(number)),
                by: "SELF".to_owned(),
                channel: "COUNTER".to_owned(),
            })
            .collect()
    })
}

fn may_obtain(provider: &Provider, standing: &Standing, at: Timestamp) -> bool {
    let question = Access { provider: Some(provider), standing: Some(standing), domain: Domain::Laboratory, at };
    access(&question).permits()
}

fn may_deposit(provider: &Provider, standing: &Standing, domain: Domain, at: Timestamp) -> bool {
    let date = civil::date(2024, 6, 1);
    let question = Deposit {
        provider: Some(provider),
        standing: Some(standing),
        domain,
        location: "",
        date,
        level: Level::Structured,
        lacks: None,
        at,
    };
    deposit(&question, Rules::default()).permits()
}

/// Whether the person takes part after these events, by the words of the law and not by the state machine: the last of
/// the events that had an effect decides.
fn takes_part(events: &[ConsentEvent], refused: &[u32]) -> bool {
    let mut effective: Vec<_> = events.iter().filter(|event| !refused.contains(&event.seq)).collect();
    effective.sort_by_key(|event| (event.at, event.seq));
    let last = effective
        .iter()
        .rev()
        .find(|event| !matches!(event.kind, Kind::GiveIndefinite | Kind::GiveOneYear | Kind::Renew | Kind::Revoke));
    last.is_some_and(|event| matches!(event.kind, Kind::RegisterInPerson | Kind::Activate | Kind::Reinstate))
}

proptest! {
    #[test]
    fn nothing_is_obtained_or_deposited_unless_the_registration_is_active(
        history in histories(),
        seen in 0..DAYS,
    ) {
        let providers = providers();
        let at = day(seen);
        let past: Vec<_> = history.iter().filter(|event| event.at <= at).cloned().collect();
        let replayed = replay(&past, |id| find(&providers, id));
        let refused: Vec<u32> = replayed.refused.iter().map(|(seq, _)| *seq).collect();
        let active = takes_part(&past, &refused);
        prop_assert_eq!(active, replayed.standing.participates(at));
        for provider in &providers {
            prop_assert!(active || !may_obtain(provider, &replayed.standing, at));
            prop_assert!(active || !may_deposit(provider, &replayed.standing, Domain::Laboratory, at));
        }
    }

    #[test]
    fn deposit_needs_sharing_under_2019_and_joining_under_2025(history in histories(), seen in 0..DAYS) {
        let providers = providers();
        let at = day(seen);
        let standing = standing_at(&history, |id| find(&providers, id), at);
        for provider in &providers {
            let registered = provider.status == ProviderStatus::Registered;
            let active = standing.registration == Registration::Active;
            let permitted = may_deposit(provider, &standing, Domain::Laboratory, at);
            match standing.policy {
                None => prop_assert!(!permitted),
                Some(PolicyVersion::V2019) => {
                    let shared = standing.sharing_with(provider, at).holds().is_some();
                    prop_assert_eq!(permitted, active && registered && shared);
                }
                Some(PolicyVersion::V2025) => prop_assert_eq!(permitted, active && registered),
            }
            prop_assert!(!may_deposit(provider, &standing, Domain::Immunisation, at), "not enabled");
        }
    }

    #[test]
    fn a_revocation_binds_from_its_own_instant_on(history in histories(), given in 0..DAYS, later in 0..DAYS) {
        let providers = providers();
        let standing = standing_at(&history, |id| find(&providers, id), day(given));
        let policy = PolicyVersion::in_force(day(given));
        for provider in &providers {
            let event = ConsentEvent {
                seq: 1_000,
                kind: Kind::Revoke,
                person: PersonId(1),
                provider: Some(provider.id.clone()),
                at: day(given),
                policy,
                by: String::new(),
                channel: String::new(),
            };
            let mut after = standing.clone();
            if after.apply(&event, Some(provider)).is_ok() {
                prop_assert!(!may_obtain(provider, &after, day(given)));
                prop_assert!(!may_obtain(provider, &after, day(given + later)));
                let joined_2019 = after.policy == Some(PolicyVersion::V2019);
                prop_assert!(!(joined_2019 && may_deposit(provider, &after, Domain::Laboratory, day(given + later))));
            }
        }
    }

    #[test]
    fn a_snapshot_kept_step_by_step_is_the_replay_of_its_history(history in histories(), seen in 0..DAYS) {
        let providers = providers();
        let mut ordered = history;
        ordered.sort_by_key(|event| (event.at, event.seq));
        let (mut snapshot, mut recorded, mut then) = (Standing::default(), Vec::new(), Standing::default());
        for event in ordered {
            let provider = event.provider.as_ref().and_then(|id| find(&providers, id));
            let in_past = event.at <= day(seen);
            if snapshot.apply(&event, provider).is_ok() {
                recorded.push(event);
            }
            if in_past {
                then = snapshot.clone();
            }
        }
        let replayed = replay(&recorded, |id| find(&providers, id));
        prop_assert_eq!(&replayed.standing, &snapshot);
        prop_assert_eq!(replayed.refused, vec![]);
        prop_assert_eq!(standing_at(&recorded, |id| find(&providers, id), day(seen)), then);
    }

    #[test]
    fn events_late_or_twice_change_nothing(
        (history, shuffled) in histories().prop_flat_map(|history| {
            let twice: Vec<_> = history.iter().chain(&history).cloned().collect();
            (Just(history), Just(twice).prop_shuffle())
        }),
    ) {
        let providers = providers();
        let (ordered, disordered) =
            (replay(&history, |id| find(&providers, id)), replay(&shuffled, |id| find(&providers, id)));
        prop_assert_eq!(ordered, disordered);
    }

    #[test]
    fn a_withdrawal_ends_every_consent_at_once_and_none_revives(history in histories(), left in 0..DAYS) {
        let providers = providers();
        let mut standing = standing_at(&history, |id| find(&providers, id), day(left));
        let event = |seq, kind| ConsentEvent {
            seq,
            kind,
            person: PersonId(1),
            provider: None,
            at: day(left),
            policy: PolicyVersion::in_force(day(left)),
            by: String::new(),
            channel: String::new(),
        };
        if standing.apply(&event(1_000, Kind::Withdraw), None).is_ok() {
            prop_assert!(standing.sharing.values().all(|sharing| sharing.state == SharingState::Terminated));
            prop_assert!(providers.iter().all(|provider| !may_obtain(provider, &standing, day(left))));
            prop_assert_eq!(standing.apply(&event(1_001, Kind::RegisterInPerson), None), Ok(()));
            for provider in &providers {
                let implied = provider.implied_since.is_some_and(|since| since <= day(left));
                prop_assert_eq!(may_obtain(provider, &standing, day(left)), implied);
            }
        }
    }
}
