//! The patients of a load run and their numbered messages. Everything is synthetic.

use causeway_core::hkid::check_digit;

/// The provider whose feed the load comes by.
pub const PROVIDER: &str = "9000000001";

/// One patient of a load run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Patient {
    /// Its number in the run, from 0.
    pub number: u32,
    /// Whether the person is a participant. Messages about others must leave no trace but a withheld one.
    pub participant: bool,
}

/// The identity of one message: patient and counter. Written as the control id `L<seed>-<patient>-<counter>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Numbered {
    /// The patient.
    pub patient: u32,
    /// The counter within the patient, from 1 without gaps.
    pub counter: u32,
}

impl Numbered {
    /// The control id in a run with this seed.
    pub fn control_id(self, seed: u64) -> String {
        format!("L{seed}-{}-{}", self.patient, self.counter)
    }

    /// Reads a control id of this run back.
    pub fn parse(control_id: &str, seed: u64) -> Option<Self> {
        let rest = control_id.strip_prefix(&format!("L{seed}-"))?;
        let (patient, counter) = rest.split_once('-')?;
        Some(Self { patient: patient.parse().ok()?, counter: counter.parse().ok()? })
    }
}

impl Patient {
    /// The patient's HKID, with the prefix that marks synthetic ones.
    pub fn hkid(self) -> String {
        let body = format!("Y{:06}", self.number);
        format!("{body}{}", check_digit(&body))
    }

    /// The line of an import file (JSON Lines) that registers this person.
    pub fn import_line(self) -> String {
        let join = if self.participant { r#","join":{"policy":"2025","at":"2026-01-01T00:00:00+08:00"}"# } else { "" };
        format!(
            r#"{{"documents":[{{"kind":"HKID","number":"{}"}}],"demographics":{{"family":"LOAD","given":"{}","birth":"1980-01-01","sex":"F"}}{join}}}"#,
            self.hkid(),
            self.given()
        )
    }

    /// An ADT^A08 that carries its counter in the address and the bed. All messages claim the same second, so that
    /// only the order of sending tells which is later.
    pub fn message(self, counter: u32, seed: u64) -> String {
        let numbered = Numbered { patient: self.number, counter };
        let (id, hkid, given, number) = (numbered.control_id(seed), self.hkid(), self.given(), self.number);
        [
            format!("MSH|^~\\&|LOAD|GEN|HUB|HK|20260601120000+0800||ADT^A08^ADT_A01|{id}|P|2.5|||AL|NE||UNICODE UTF-8"),
            "EVN|A08|20260601120000+0800".to_owned(),
            format!(
                "PID|1||{hkid}^^^HKSAR^HKID~P{number}^^^GEN^PI||LOAD^{given}||19800101|F|||FLAT {counter}^^HONG KONG^^^HKG"
            ),
            pv1(&format!("W1^{counter}^{counter}^GEN"), &format!("V{number}")),
            String::new(),
        ]
        .join("\r")
    }

    /// Its given name: letters only, another one for each patient.
    pub fn given(self) -> String {
        self.number.to_string().bytes().map(|digit| char::from(b'A' + (digit - b'0'))).collect()
    }
}

/// A PV1 of an inpatient: PV1-3 location, PV1-19 visit number, PV1-44 admission.
fn pv1(location: &str, visit: &str) -> String {
    let mut fields = [""; 45];
    for (place, value) in [(0, "PV1"), (1, "1"), (2, "I"), (3, location), (19, visit), (44, "20260601090000+0800")] {
        if let Some(field) = fields.get_mut(place) {
            *field = value;
        }
    }
    fields.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_ids_read_back() {
        let numbered = Numbered { patient: 12, counter: 7 };
        assert_eq!(Numbered::parse(&numbered.control_id(99), 99), Some(numbered));
        assert_eq!(Numbered::parse("L98-12-7", 99), None);
    }

    #[test]
    fn the_visit_number_is_in_pv1_19() {
        let message = Patient { number: 3, participant: true }.message(5, 1);
        let pv1 = message.split('\r').find(|segment| segment.starts_with("PV1")).expect("PV1");
        let fields: Vec<&str> = pv1.split('|').collect();
        assert_eq!((fields[19], fields[44]), ("V3", "20260601090000+0800"));
    }
}
