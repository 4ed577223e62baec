//! The golden tables of registration and sharing consent: every event from every state, the ends of one-year consents,
//! and the history of the fixture.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::decision::Verdict;
use crate::policy::{Access, Deposit, Rules, access, deposit};
use crate::provider::{Provider, ProviderKind, ProviderStatus};
use crate::reason::Reason;
use crate::scope::{Domain, Level};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn provider(id: &str, implied_since: Option<&str>) -> Provider {
    Provider {
        id: ProviderId(id.to_owned()),
        name: String::new(),
        name_zh: String::new(),
        kind: ProviderKind::Clinic,
        status: ProviderStatus::Registered,
        implied_since: implied_since.map(at),
        domains: BTreeMap::from([(Domain::Laboratory, jiff::civil::date(2016, 3, 13))]),
        locations: Default::default(),
    }
}

fn event(kind: ConsentEventKind, when: &str, provider: Option<&Provider>, policy: PolicyVersion) -> ConsentEvent {
    ConsentEvent {
        seq: 1,
        kind,
        person: PersonId(1),
        provider: provider.map(|provider| provider.id.clone()),
        at: at(when),
        policy,
        by: "SELF".to_owned(),
        channel: "COUNTER".to_owned(),
    }
}

fn participant() -> Standing {
    let joined = at("2024-01-01T00:00:00Z");
    Standing {
        registration: Registration::Active,
        policy: Some(PolicyVersion::V2019),
        joined_at: Some(joined),
        changed_at: Some(joined),
        sharing: BTreeMap::new(),
    }
}

#[test]
fn every_registration_event_from_every_state_gives_its_row() {
    use ConsentEventKind as Kind;
    use Registration::{Active, Applied, Cancelled, Deceased, None, Suspended, Withdrawn};
    // Columns: none, applied, active, suspended, withdrawn, cancelled, deceased; `-` is refused.
    let rows: [(Kind, &str); 9] = [
        (Kind::SubmitApplication, "applied - - - applied applied -"),
        (Kind::RegisterInPerson, "active - - - active active -"),
        (Kind::Activate, "- active - - - - -"),
        (Kind::ExpireApplication, "- none - - - - -"),
        (Kind::Suspend, "- - suspended - - - -"),
        (Kind::Reinstate, "- - - active - - -"),
        (Kind::Withdraw, "- withdrawn withdrawn withdrawn - - -"),
        (Kind::Cancel, "- - cancelled cancelled - - -"),
        (Kind::RecordDeath, "- - deceased - - - -"),
    ];
    for (kind, row) in rows {
        let columns =
            [None, Applied, Active, Suspended, Withdrawn, Cancelled, Deceased].into_iter().zip(row.split(' '));
        for (from, expected) in columns {
            let before = Standing { registration: from, ..participant() };
            let mut after = before.clone();
            let result =
                after.apply(&event(kind, "2024-06-01T00:00:00Z", Option::None, PolicyVersion::V2019), Option::None);
            if expected == "-" {
                assert_eq!(result, Err(ConsentError::Registration { kind, from }), "{kind} from {from}");
                assert_eq!(after, before, "a refused event changes nothing");
            } else {
                assert_eq!(result, Ok(()), "{kind} from {from}");
                assert_eq!(after.registration.as_str(), expected, "{kind} from {from}");
            }
        }
    }
}

#[test]
fn every_sharing_event_from_every_state_gives_its_row() {
    use ConsentEventKind as Kind;
    let clinic = provider("1000000001", None);
    let give = |kind, when| event(kind, when, Some(&clinic), PolicyVersion::V2019);
    let histories: [(&str, Vec<ConsentEvent>); 5] = [
        ("absent", vec![]),
        ("indefinite", vec![give(Kind::GiveIndefinite, "2024-02-01T00:00:00Z")]),
        ("one-year", vec![give(Kind::GiveOneYear, "2024-02-01T00:00:00Z")]),
        ("expired", vec![give(Kind::GiveOneYear, "2024-01-02T00:00:00Z")]),
        (
            "revoked",
            vec![give(Kind::GiveIndefinite, "2024-02-01T00:00:00Z"), give(Kind::Revoke, "2024-02-02T00:00:00Z")],
        ),
    ];
    // Columns as the histories above, seen on 15 January 2025.
    let rows = [
        (Kind::GiveIndefinite, "indefinite already indefinite indefinite indefinite"),
        (Kind::GiveOneYear, "one-year one-year already one-year one-year"),
        (Kind::Renew, "nothing nothing one-year nothing nothing"),
        (Kind::Revoke, "nothing revoked revoked nothing nothing"),
    ];
    for (kind, row) in rows {
        for ((state, history), expected) in histories.iter().zip(row.split(' ')) {
            let mut standing = participant();
            for event in history {
                standing.apply(event, Some(&clinic)).expect(state);
            }
            let result = standing.apply(&give(kind, "2025-01-15T00:00:00Z"), Some(&clinic));
            let got = match result.map(|()| standing.sharing.get(&clinic.id).map(|sharing| sharing.state)) {
                Ok(Some(SharingState::Indefinite)) => "indefinite",
                Ok(Some(SharingState::OneYear { until })) => {
                    assert_eq!(until, at("2026-01-15T00:00:00+08:00"), "{kind} from {state}");
                    "one-year"
                }
                Ok(Some(SharingState::Revoked)) => "revoked",
                Err(ConsentError::AlreadyGiven { .. }) => "already",
                Err(ConsentError::NothingGiven { .. }) => "nothing",
                other => panic!("{kind} from {state}: {other:?}"),
            };
            assert_eq!(got, expected, "{kind} from {state}");
        }
    }
}

#[test]
fn consent_is_given_by_participants_to_registered_providers_and_taken_back_even_when_suspended() {
    let mut clinic = provider("1000000001", None);
    let give = event(ConsentEventKind::GiveIndefinite, "2024-06-01T00:00:00Z", Some(&clinic), PolicyVersion::V2019);
    let revoke = event(ConsentEventKind::Revoke, "2024-07-01T00:00:00Z", Some(&clinic), PolicyVersion::V2019);
    let unknown = ConsentError::ProviderUnknown { id: Some(clinic.id.clone()) };
    assert_eq!(participant().apply(&give, None), Err(unknown.clone()));
    assert_eq!(participant().apply(&give, Some(&provider("1000000002", None))), Err(unknown), "another provider");
    for from in [Registration::None, Registration::Applied, Registration::Suspended, Registration::Withdrawn] {
        let mut standing = Standing { registration: from, ..participant() };
        let refused = ConsentError::Registration { kind: give.kind, from };
        assert_eq!(standing.apply(&give, Some(&clinic)), Err(refused));
    }
    let mut standing = participant();
    standing.apply(&give, Some(&clinic)).expect("given");
    clinic.status = ProviderStatus::Suspended;
    let again = ConsentError::ProviderStatus { id: clinic.id.clone() };
    assert_eq!(participant().apply(&give, Some(&clinic)), Err(again));
    standing.registration = Registration::Suspended;
    assert_eq!(standing.apply(&revoke, Some(&clinic)), Ok(()));
}

#[test]
fn one_year_consents_ended_with_policy_2019() {
    let clinic = provider("1000000001", None);
    let mut standing = participant();
    let give = event(ConsentEventKind::GiveOneYear, "2025-12-02T00:00:00Z", Some(&clinic), PolicyVersion::V2025);
    assert_eq!(standing.apply(&give, Some(&clinic)), Err(ConsentError::OneYearNotOffered));
    let former = event(ConsentEventKind::GiveOneYear, "2025-06-01T00:00:00Z", Some(&clinic), PolicyVersion::V2019);
    standing.apply(&former, Some(&clinic)).expect("given under 2019");
    let renew = ConsentEvent { kind: ConsentEventKind::Renew, ..give };
    assert_eq!(standing.apply(&renew, Some(&clinic)), Err(ConsentError::OneYearNotOffered));
}

#[test]
fn a_year_ends_at_midnight_in_hong_kong_and_29_february_at_1_march() {
    let clinic = provider("1000000001", None);
    for (given, last, first_without) in [
        ("2024-02-29T00:00:00+08:00", "2025-02-28T23:59:59+08:00", "2025-03-01T00:00:00+08:00"),
        ("2024-02-29T23:59:59+08:00", "2025-02-28T23:59:59+08:00", "2025-03-01T00:00:00+08:00"),
        ("2024-06-01T09:00:00+08:00", "2025-05-31T23:59:59+08:00", "2025-06-01T00:00:00+08:00"),
        // Already the second of June in Hong Kong.
        ("2024-06-01T16:00:00Z", "2025-06-01T23:59:59+08:00", "2025-06-02T00:00:00+08:00"),
    ] {
        let mut standing = participant();
        let give = event(ConsentEventKind::GiveOneYear, given, Some(&clinic), PolicyVersion::V2019);
        standing.apply(&give, Some(&clinic)).expect("given");
        let holds = |when: &str| standing.sharing_with(&clinic, at(when)).holds().is_some();
        assert!(holds(given) && holds(last), "given {given}, live until {last}");
        assert!(!holds(first_without), "given {given}, over at {first_without}");
        assert_eq!(standing.sharing_with(&clinic, at(first_without)), SharingView::Expired { at: at(first_without) });
    }
}

#[test]
fn a_consent_holds_from_the_instant_it_is_given_and_not_before() {
    let clinic = provider("1000000001", None);
    let mut standing = participant();
    let give =
        event(ConsentEventKind::GiveIndefinite, "2024-06-01T09:00:00+08:00", Some(&clinic), PolicyVersion::V2019);
    standing.apply(&give, Some(&clinic)).expect("given");
    let view = |when| standing.sharing_with(&clinic, at(when));
    assert_eq!(view("2024-06-01T08:59:59+08:00"), SharingView::Absent);
    assert_eq!(view("2024-06-01T09:00:00+08:00"), SharingView::Live { policy: PolicyVersion::V2019, until: None });
}

#[test]
fn a_provider_put_on_the_implied_list_later_is_implied_for_those_who_join_from_then_on() {
    let clinic = provider("1000000001", Some("2025-12-01T00:00:00+08:00"));
    let early = participant();
    assert_eq!(early.sharing_with(&clinic, at("2026-01-01T00:00:00Z")), SharingView::Absent);
    let joined = at("2025-12-01T00:00:00+08:00");
    let late = Standing { joined_at: Some(joined), changed_at: Some(joined), ..participant() };
    assert_eq!(late.sharing_with(&clinic, joined), SharingView::Implied { policy: PolicyVersion::V2019 });
    let before = at("2025-11-30T23:59:59+08:00");
    assert_eq!(late.sharing_with(&clinic, before), SharingView::Absent, "not before joining");
}

#[test]
fn an_explicit_consent_shows_again_when_its_provider_leaves_the_implied_list() {
    let clinic = provider("1000000001", None);
    let mut standing = participant();
    let give = event(ConsentEventKind::GiveIndefinite, "2024-06-01T00:00:00Z", Some(&clinic), PolicyVersion::V2019);
    standing.apply(&give, Some(&clinic)).expect("given");
    let implied = provider("1000000001", Some("2016-03-13T00:00:00+08:00"));
    let seen = at("2024-07-01T00:00:00Z");
    assert_eq!(standing.sharing_with(&implied, seen), SharingView::Implied { policy: PolicyVersion::V2019 });
    assert_eq!(standing.sharing_with(&clinic, seen), SharingView::Live { policy: PolicyVersion::V2019, until: None });
}

#[test]
fn the_policy_is_that_of_the_application_and_an_expired_application_leaves_none() {
    let mut standing = Standing::default();
    let kind = ConsentEventKind::SubmitApplication;
    standing.apply(&event(kind, "2025-11-20T00:00:00Z", None, PolicyVersion::V2019), None).expect("applied");
    let mut lapsed = standing.clone();
    let kind = ConsentEventKind::Activate;
    standing.apply(&event(kind, "2025-12-05T00:00:00Z", None, PolicyVersion::V2025), None).expect("activated");
    assert_eq!(standing.policy, Some(PolicyVersion::V2019));
    assert_eq!(standing.joined_at, Some(at("2025-12-05T00:00:00Z")));
    let kind = ConsentEventKind::ExpireApplication;
    lapsed.apply(&event(kind, "2025-12-05T00:00:00Z", None, PolicyVersion::V2025), None).expect("lapsed");
    assert_eq!(lapsed.policy, None);
}

#[test]
fn a_late_event_is_refused_and_a_replay_puts_it_in_its_place() {
    let clinic = provider("1000000001", None);
    let find = |id: &ProviderId| (*id == clinic.id).then_some(&clinic);
    let mut history = vec![
        event(ConsentEventKind::RegisterInPerson, "2024-01-01T00:00:00Z", None, PolicyVersion::V2019),
        event(ConsentEventKind::GiveIndefinite, "2024-06-02T00:00:00Z", Some(&clinic), PolicyVersion::V2019),
    ];
    history[1].seq = 2;
    let mut standing = replay(&history, find).standing;
    let mut late = event(ConsentEventKind::Withdraw, "2024-06-01T00:00:00Z", None, PolicyVersion::V2019);
    late.seq = 3;
    let refused = ConsentError::OutOfOrder { at: late.at, latest: history[1].at };
    assert_eq!(standing.apply(&late, None), Err(refused));
    history.push(late);
    let replayed = replay(&history, find);
    assert_eq!(replayed.standing.registration, Registration::Withdrawn);
    let impossible =
        ConsentError::Registration { kind: ConsentEventKind::GiveIndefinite, from: Registration::Withdrawn };
    assert_eq!(replayed.refused, vec![(2, impossible)]);
}

#[test]
fn the_fixture_gives_the_answers_it_is_made_for() {
    let providers =
        [provider("HA", Some("2016-03-13T00:00:00+08:00")), provider("9265486345", None), provider("1000000001", None)];
    let find = |id: &str| providers.iter().find(|provider| provider.id.0 == id);
    let lines = import::read(include_str!("../../tests/data/consent_events.jsonl"));
    let events: Vec<_> = lines.map(|line| line.expect("a good line").into_event(PersonId(1))).collect();
    assert_eq!(events.len(), 6);

    // As the registry takes them in, one by one; the third is refused, with an explanation.
    let mut standing = Standing::default();
    let mut recorded = Vec::new();
    for event in events {
        let provider = event.provider.as_ref().and_then(|id| find(&id.0));
        match standing.apply(&event, provider) {
            Ok(()) => recorded.push(event),
            Err(error) => {
                assert_eq!(event.seq, 3);
                let text = "sharing with HA follows from joining and is neither given nor revoked by itself; \
                            withdraw the registration to end it";
                assert_eq!(error.to_string(), text);
            }
        }
    }
    assert_eq!(recorded.len(), 5);
    assert_eq!(standing, replay(&recorded, |id| find(&id.0)).standing);

    let obtain = |id: &str, when: &str| {
        let standing = standing_at(&recorded, |id| find(&id.0), at(when));
        access(&Access { provider: find(id), standing: Some(&standing), domain: Domain::Laboratory, at: at(when) })
    };
    let cases = [
        ("9265486345", "2024-02-29T08:59:59+08:00", Verdict::Withhold(Reason::NoSharingConsent), "O14"),
        ("9265486345", "2024-02-29T09:00:00+08:00", Verdict::Permit, "O8"),
        ("9265486345", "2025-01-10T11:59:59+08:00", Verdict::Permit, "O8"),
        ("9265486345", "2025-01-10T12:00:00+08:00", Verdict::Withhold(Reason::NotRegistered), "O4"),
        ("1000000001", "2025-12-06T00:00:00+08:00", Verdict::Withhold(Reason::NoSharingConsent), "O14"),
        ("HA", "2025-12-06T00:00:00+08:00", Verdict::Permit, "O8"),
    ];
    for (id, when, verdict, rule) in cases {
        let decision = obtain(id, when);
        assert_eq!((decision.verdict, decision.rule.as_ref()), (verdict, rule), "obtain by {id} at {when}");
    }
    let question = Deposit {
        provider: find("1000000001"),
        standing: Some(&standing),
        domain: Domain::Laboratory,
        location: "",
        date: jiff::civil::date(2025, 12, 6),
        level: Level::Structured,
        lacks: None,
        at: at("2025-12-06T00:00:00+08:00"),
    };
    assert!(deposit(&question, Rules::default()).permits(), "deposit needs the joining consent only");
}
