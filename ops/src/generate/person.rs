//! Made-up persons with valid, synthetic numbers, and where each one's registration and consents stand.

use causeway_core::consent::ConsentEventKind;
use causeway_core::hkid;
use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, Sex};
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::NewPerson;
use causeway_core::provider::ProviderId;
use jiff::{Timestamp, civil};

use super::dice::Dice;
use super::names::{self, Name};
use super::provider::{CLINIC, HOSPITAL, LABORATORY};

/// The letters of every synthetic identity card number; no real card begins with them.
pub(crate) const SYNTHETIC_LETTERS: &str = "ZZ";
/// The assigning authority of the hospital's numbers.
pub(crate) const HOSPITAL_AUTHORITY: &str = "CBH";
/// The assigning authority of the laboratory's numbers.
pub(crate) const LABORATORY_AUTHORITY: &str = "HDL";
/// The assigning authority of the clinic's numbers.
pub(crate) const CLINIC_AUTHORITY: &str = "LRC";

/// How a person stands towards the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attitude {
    /// Joined under the rules of 2025, and shares with both private providers.
    SharesAll,
    /// Joined under the rules of 2025: everyone may deposit, only the public provider may read.
    Joined,
    /// Joined under the rules of 2019 and shares with the laboratory only.
    OldAndShares,
    /// Joined under the rules of 2019 without sharing consent: private providers may not deposit.
    OldWithoutSharing,
    /// Known, never joined.
    NeverJoined,
    /// Not in the registry at all.
    Unknown,
}

/// One made-up person.
#[derive(Debug, Clone)]
pub(crate) struct Synthetic {
    /// Counted from 1.
    pub(crate) number: u32,
    /// Names.
    pub(crate) name: Name,
    /// Birth date.
    pub(crate) birth: civil::Date,
    /// Male or female.
    pub(crate) sex: Sex,
    /// Identity card number in canonical form.
    pub(crate) hkid: String,
    /// How the person stands towards the system.
    pub(crate) attitude: Attitude,
}

/// An event of registration or consent of a made-up person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntheticEvent {
    /// What happened.
    pub(crate) kind: ConsentEventKind,
    /// The provider, for sharing consents.
    pub(crate) provider: Option<ProviderId>,
    /// When.
    pub(crate) at: Timestamp,
    /// Under which rules.
    pub(crate) policy: PolicyVersion,
    /// How.
    pub(crate) channel: &'static str,
}

/// Rolls so many persons.
pub(crate) fn roll(seed: u64, count: u32) -> Vec<Synthetic> {
    let dice = Dice::new(seed);
    (1..=count).map(|number| one(&mut dice.fork(u64::from(number)), seed, number)).collect()
}

fn one(dice: &mut Dice, seed: u64, number: u32) -> Synthetic {
    let male = dice.percent(49);
    let name = names::roll(dice, male);
    let year = i16::try_from(dice.between(1931, 2019)).unwrap_or(1980);
    let (month, day) = (dice.between(1, 12), dice.between(1, 28));
    let small = |n: u32| i8::try_from(n).unwrap_or(1);
    let birth = civil::Date::new(year, small(month), small(day)).unwrap_or(civil::date(1980, 1, 1));
    // The seed moves the numbers, so that two worlds do not share persons; the step is odd, so no number comes twice.
    let body = u64::from(number).wrapping_mul(7919).wrapping_add(seed.wrapping_mul(104_729)) % 1_000_000;
    let body = format!("{SYNTHETIC_LETTERS}{body:06}");
    let check = hkid::check_digit(&body);
    let attitude = match number % 10 {
        1 | 4 | 8 => Attitude::SharesAll,
        2 | 5 | 0 => Attitude::Joined,
        3 => Attitude::OldAndShares,
        6 => Attitude::OldWithoutSharing,
        7 => Attitude::NeverJoined,
        _ => Attitude::Unknown,
    };
    let sex = if male { Sex::Male } else { Sex::Female };
    Synthetic { number, name, birth, sex, hkid: format!("{body}{check}"), attitude }
}

impl Synthetic {
    /// The hospital's own number.
    pub(crate) fn hospital_number(&self) -> String {
        format!("H{:06}", self.number)
    }

    /// The laboratory's own number.
    pub(crate) fn laboratory_number(&self) -> String {
        format!("{}", 700_000 + self.number)
    }

    /// The clinic's own number.
    pub(crate) fn clinic_number(&self) -> String {
        format!("C-{:04}", self.number)
    }

    /// As the registry takes it; `None` for those it does not know.
    pub(crate) fn registration(&self) -> Option<NewPerson> {
        if self.attitude == Attitude::Unknown {
            return None;
        }
        let numbers = [
            (HOSPITAL, HOSPITAL_AUTHORITY, self.hospital_number()),
            (LABORATORY, LABORATORY_AUTHORITY, self.laboratory_number()),
            (CLINIC, CLINIC_AUTHORITY, self.clinic_number()),
        ];
        let local = |(provider, authority, number): (&str, &str, String)| LocalNumber {
            provider: ProviderId(provider.to_owned()),
            authority: authority.to_owned(),
            number: Phi::new(number),
        };
        Some(NewPerson {
            documents: vec![Document {
                kind: DocumentKind::Hkid,
                issuer: String::new(),
                number: Phi::new(self.hkid.clone()),
            }],
            demographics: self.demographics(),
            local_numbers: numbers.into_iter().map(local).collect(),
        })
    }

    /// Names, birth date, sex.
    fn demographics(&self) -> Demographics {
        Demographics {
            family: Phi::new(self.name.family.clone()),
            given: Phi::new(self.name.given.clone()),
            chinese: Phi::new(self.name.chinese.clone()),
            birth: BirthDate::parse(&self.birth.to_string()).map(Phi::new),
            sex: Some(self.sex),
        }
    }

    /// What happened to the registration and the consents, oldest first.
    pub(crate) fn events(&self) -> Vec<SyntheticEvent> {
        let day = i64::from(self.number % 28) * 86_400;
        let at = |second: i64| Timestamp::from_second(second + day).unwrap_or_default();
        let event = |kind, provider: Option<&str>, second, policy, channel| SyntheticEvent {
            kind,
            provider: provider.map(|id| ProviderId(id.to_owned())),
            at: at(second),
            policy,
            channel,
        };
        // 2021-03-01 and 2026-02-01, at ten in the morning in Hong Kong.
        let (old, new) = (1_614_564_000, 1_769_911_200);
        let (join, give) = (ConsentEventKind::RegisterInPerson, ConsentEventKind::GiveIndefinite);
        let (v2019, v2025) = (PolicyVersion::V2019, PolicyVersion::V2025);
        match self.attitude {
            Attitude::SharesAll => vec![
                event(join, None, new, v2025, "HKIC_READER"),
                event(give, Some(LABORATORY), new + 600, v2025, "APP"),
                event(give, Some(CLINIC), new + 660, v2025, "APP"),
            ],
            Attitude::Joined => vec![event(join, None, new, v2025, "COUNTER")],
            Attitude::OldAndShares => vec![
                event(join, None, old, v2019, "HKIC_READER"),
                event(give, Some(LABORATORY), old + 600, v2019, "FORM"),
            ],
            Attitude::OldWithoutSharing => vec![event(join, None, old, v2019, "FORM")],
            Attitude::NeverJoined | Attitude::Unknown => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use causeway_core::hkid::Hkid;

    use super::*;

    #[test]
    fn numbers_are_valid_synthetic_and_unique() {
        let persons = roll(42, 2_000);
        let unique: BTreeSet<_> = persons.iter().map(|person| &person.hkid).collect();
        assert_eq!(unique.len(), persons.len());
        for person in &persons {
            assert!(Hkid::parse(&person.hkid).is_ok(), "{}", person.hkid);
            assert!(person.hkid.starts_with(SYNTHETIC_LETTERS));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_persons_however_many_are_rolled() {
        let few: Vec<_> = roll(1, 10).into_iter().map(|p| (p.hkid, p.name, p.birth)).collect();
        let many: Vec<_> = roll(1, 100).into_iter().take(10).map(|p| (p.hkid, p.name, p.birth)).collect();
        assert_eq!(few, many);
        assert_ne!(roll(1, 1)[0].hkid, roll(2, 1)[0].hkid);
    }

    #[test]
    fn events_come_in_order_and_before_the_rules_they_name_are_replaced() {
        for person in roll(5, 50) {
            let events = person.events();
            assert!(events.is_sorted_by_key(|event| event.at));
            assert!(events.iter().all(|event| PolicyVersion::in_force(event.at) == event.policy), "{person:?}");
        }
    }
}
