//! Plausible days: who is admitted, moved and sent home, whose blood is tested, which report follows which. An endless
//! stream of messages, the same for the same seed and times.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::dice::Dice;
use super::message::adt::{self, Event, Visit};
use super::message::laboratory::{self, Order, Stage};
use super::message::{Outgoing, Pen, Source, allergy, broken, medication};
use super::person::Synthetic;

/// Reports still to come are bounded: the oldest is told first.
const FOLLOW_UPS_MAX: usize = 64;

/// The stream.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    dice: Dice,
    levels: Dice,
    pen: Pen,
    persons: Vec<Synthetic>,
    /// Who is in hospital.
    stays: BTreeMap<usize, Visit>,
    follow_ups: VecDeque<(Order, Stage)>,
    orders: u64,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Hospital,
    OutPatient,
    Laboratory,
    Allergy,
    Clinic,
    Medicine,
    Broken,
}

/// How often.
const TURNS: &[(u32, Turn)] = &[
    (34, Turn::Hospital),
    (8, Turn::OutPatient),
    (34, Turn::Laboratory),
    (8, Turn::Allergy),
    (8, Turn::Clinic),
    (5, Turn::Medicine),
    (3, Turn::Broken),
];

impl Story {
    /// A story about these persons. `run` begins every control id, so that two runs on one hub do not reuse any.
    pub(crate) fn new(seed: u64, run: String, persons: Vec<Synthetic>) -> Self {
        Self {
            dice: Dice::new(seed).fork(1),
            levels: Dice::new(seed).fork(2),
            pen: Pen::new(run),
            persons,
            stays: BTreeMap::new(),
            follow_ups: VecDeque::new(),
            orders: 0,
        }
    }

    /// What happens at `at`; `None` only without persons.
    pub(crate) fn next(&mut self, at: Timestamp) -> Option<Outgoing> {
        let turn = *self.dice.weighted(TURNS)?;
        let number = self.someone()?;
        match turn {
            Turn::Hospital => self.hospital(number, at),
            Turn::OutPatient => {
                let class = if self.dice.percent(40) { 'E' } else { 'O' };
                self.register(Source::HospitalAdmissions, number, class, at)
            }
            Turn::Laboratory => self.laboratory(number, at),
            Turn::Allergy => {
                let person = self.persons.get(number)?;
                Some(allergy::write(&mut self.pen, &mut self.dice, person, at))
            }
            Turn::Clinic => self.register(Source::Clinic, number, 'O', at),
            Turn::Medicine => {
                self.orders += 1;
                let mark = format!("{}{:05}", at.strftime("%y%m%d%H%M"), self.orders);
                let person = self.persons.get(number)?;
                Some(medication::write(&mut self.pen, &mut self.dice, person, &mark, at))
            }
            Turn::Broken => {
                let (person, other) =
                    (self.persons.get(number)?, self.persons.get(number + 1).or(self.persons.first())?);
                Some(broken::write(&mut self.pen, &mut self.dice, person, other, at))
            }
        }
    }

    fn someone(&mut self) -> Option<usize> {
        let last = u32::try_from(self.persons.len().checked_sub(1)?).ok()?;
        usize::try_from(self.dice.between(0, last)).ok()
    }

    /// One step of a stay: in, around, home.
    fn hospital(&mut self, number: usize, at: Timestamp) -> Option<Outgoing> {
        let person = self.persons.get(number)?;
        let (pen, dice) = (&mut self.pen, &mut self.dice);
        let Some(visit) = self.stays.get_mut(&number) else {
            let visit = adt::visit(dice, 'I', at);
            let sent = adt::write(pen, dice, Source::HospitalAdmissions, person, &visit, Event::Admit, at);
            self.stays.insert(number, visit);
            return Some(sent);
        };
        let event = *dice.weighted(&[(3, Event::Transfer), (3, Event::Update), (4, Event::Discharge)])?;
        if event == Event::Transfer {
            visit.ward = dice.pick(adt::WARDS).copied().unwrap_or(visit.ward);
        }
        let sent = adt::write(pen, dice, Source::HospitalAdmissions, person, visit, event, at);
        if event == Event::Discharge {
            self.stays.remove(&number);
        }
        Some(sent)
    }

    fn register(&mut self, source: Source, number: usize, class: char, at: Timestamp) -> Option<Outgoing> {
        let person = self.persons.get(number)?;
        let visit = adt::visit(&mut self.dice, class, at);
        Some(adt::write(&mut self.pen, &mut self.dice, source, person, &visit, Event::Register, at))
    }

    /// A first report, or the one that follows an earlier one.
    fn laboratory(&mut self, number: usize, at: Timestamp) -> Option<Outgoing> {
        let due = self.follow_ups.len() >= FOLLOW_UPS_MAX || self.dice.percent(45);
        let (order, stage) = match if due { self.follow_ups.pop_front() } else { None } {
            Some(follow_up) => follow_up,
            None => {
                self.orders += 1;
                let mark = format!("{}{:05}", at.strftime("%y%m%d%H%M"), self.orders);
                let level = self.levels.fork(u64::try_from(number).ok()?);
                let order = laboratory::order(&mut self.dice, mark, number, &level, at)?;
                (order, if self.dice.percent(70) { Stage::Final } else { Stage::Preliminary })
            }
        };
        match stage {
            Stage::Preliminary => self.follow_ups.push_back((order.clone(), Stage::Final)),
            Stage::Final if self.dice.percent(12) => self.follow_ups.push_back((order.clone(), Stage::Corrected)),
            Stage::Final | Stage::Corrected => {}
        }
        let person = self.persons.get(order.person)?;
        Some(laboratory::write(&mut self.pen, person, &order, stage, at))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::SignedDuration;

    use super::super::person::roll;
    use super::*;

    fn told(seed: u64, count: i64) -> Vec<Outgoing> {
        let mut story = Story::new(seed, "T".to_owned(), roll(seed, 50));
        let start = Timestamp::from_second(1_790_000_000).expect("in range");
        (0..count).filter_map(|minute| story.next(start + SignedDuration::from_mins(minute))).collect()
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        assert_eq!(told(11, 300), told(11, 300));
        assert_ne!(told(11, 10), told(12, 10));
    }

    #[test]
    fn every_system_speaks_and_no_control_id_comes_twice() {
        let story = told(1, 1_000);
        let speakers: BTreeSet<Source> = story.iter().map(|sent| sent.source).collect();
        assert_eq!(speakers.len(), Source::ALL.len());
        let ids: BTreeSet<_> = story.iter().map(|sent| &sent.control_id).collect();
        assert_eq!(ids.len(), story.len());
    }

    #[test]
    fn days_are_plausible() {
        let story = told(2, 2_000);
        let count = |what: &str| story.iter().filter(|sent| sent.text.contains(what)).count();
        for (what, at_least) in [
            ("|ADT^A01^", 100),
            ("|ADT^A02^", 40),
            ("|ADT^A03^", 60),
            ("|ADT^A04^", 100),
            ("|ADT^A08^", 40),
            ("|ORU^R01^ORU_R01|", 300),
            ("100109^Allergy", 10),
            ("\rAL1|", 10),
            ("\rPR1|", 10),
            ("|RDE^O11^", 10),
            ("|RDS^O13^", 10),
            ("|VXU^V04^", 5),
        ] {
            assert!(count(what) >= at_least, "{what}: {}", count(what));
        }
        let reports = |code: &str| {
            let ends = |line: &str| line.starts_with("OBR") && line.ends_with(code);
            story.iter().filter(|sent| sent.text.split('\r').any(ends)).count()
        };
        assert!(reports("|C") > 5 && reports("|P") > 30, "{} {}", reports("|C"), reports("|P"));
    }
}
