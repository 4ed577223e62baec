//! Made-up messages: what each feed of the synthetic world says.

pub(crate) mod adt;
pub(crate) mod allergy;
pub(crate) mod broken;
pub(crate) mod laboratory;
pub(crate) mod medication;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::person::{CLINIC_AUTHORITY, HOSPITAL_AUTHORITY, LABORATORY_AUTHORITY, Synthetic};
use super::segment::Segment;

/// The feeds of the synthetic world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    /// Patient administration of the public hospital: HL7 v2.5.1, UTF-8, enhanced acknowledgement.
    HospitalAdmissions,
    /// Allergies of the public hospitals: their v2.3.1 dialect.
    HospitalAllergies,
    /// The private laboratory: HL7 v2.5.1, UTF-8.
    Laboratory,
    /// The private clinic: HL7 v2.4 in Big5 with HKSCS.
    Clinic,
}

impl Source {
    /// All of them.
    pub(crate) const ALL: &'static [Self] =
        &[Self::HospitalAdmissions, Self::HospitalAllergies, Self::Laboratory, Self::Clinic];

    /// The name of its feed.
    pub(crate) const fn feed(self) -> &'static str {
        match self {
            Self::HospitalAdmissions => "hospital-admissions",
            Self::HospitalAllergies => "hospital-allergies",
            Self::Laboratory => "laboratory",
            Self::Clinic => "clinic",
        }
    }

    /// MSH-3 and MSH-4.
    pub(crate) const fn sender(self) -> (&'static str, &'static str) {
        match self {
            Self::HospitalAdmissions => ("PAS", HOSPITAL_AUTHORITY),
            Self::HospitalAllergies => ("EAI", "HAHO"),
            Self::Laboratory => ("LIS", LABORATORY_AUTHORITY),
            Self::Clinic => ("CMS", CLINIC_AUTHORITY),
        }
    }

    /// The character set of its bytes, by its name in HL7 table 0211 or, for the clinic, the one its vendor writes.
    pub(crate) const fn charset(self) -> &'static str {
        match self {
            Self::HospitalAdmissions | Self::Laboratory => "UNICODE UTF-8",
            Self::HospitalAllergies => "ASCII",
            Self::Clinic => "BIG5-HKSCS",
        }
    }

    /// MSH-12.
    const fn version(self) -> &'static str {
        match self {
            Self::HospitalAdmissions | Self::Laboratory => "2.5.1",
            Self::HospitalAllergies => "2.3.1",
            Self::Clinic => "2.4",
        }
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Which system sends it.
    pub(crate) source: Source,
    /// MSH-10.
    pub(crate) control_id: String,
    /// The message, with carriage returns between segments.
    pub(crate) text: String,
    /// Overrides the character set of the source: a system that does not say what it writes.
    pub(crate) mislabelled: bool,
}

/// Counts the messages of a run, so that every control id is its own.
#[derive(Debug, Clone)]
pub(crate) struct Pen {
    prefix: String,
    written: u64,
}

impl Pen {
    /// A pen whose control ids begin with `prefix`: different for every run.
    pub(crate) const fn new(prefix: String) -> Self {
        Self { prefix, written: 0 }
    }

    /// The next control id.
    pub(crate) fn control_id(&mut self, source: Source) -> String {
        self.written += 1;
        format!("{}{}{:06}", source.sender().1, self.prefix, self.written)
    }

    /// The header of a message of this type.
    pub(crate) fn header(&mut self, source: Source, kind: &str, at: Timestamp) -> (Segment, String) {
        let control_id = self.control_id(source);
        let (application, facility) = source.sender();
        let header = Segment::new("MSH")
            .set(2, "^~\\&")
            .set(3, application)
            .set(4, facility)
            .set(5, "HUB")
            .set(6, "HKHUB")
            .set(7, stamp(at))
            .set(9, kind)
            .set(10, control_id.clone())
            .set(11, "P")
            .set(12, source.version());
        let header = match source {
            Source::HospitalAdmissions => header.set(15, "AL").set(16, "NE").set(17, "HKG").set(18, source.charset()),
            Source::HospitalAllergies => {
                header.set(15, "AL").set(16, "NE").set(17, "HKG").set(18, source.charset()).set(19, "ENG")
            }
            Source::Laboratory => header.set(18, source.charset()),
            // The vendor leaves MSH-18 empty, as many do: the feed's configuration says what the bytes are.
            Source::Clinic => header,
        };
        (header, control_id)
    }
}

/// The patient as the source knows the person.
pub(crate) fn patient(source: Source, person: &Synthetic) -> Segment {
    let Synthetic { name, birth, sex, hkid, .. } = person;
    let birth = birth.strftime("%Y%m%d").to_string();
    let pid = Segment::new("PID").set(1, "1").set(7, birth).set(8, sex.as_str());
    let given = name.given.to_uppercase();
    let local = |number: String, authority: &str| format!("{hkid}^^^HKSAR^HKID~{number}^^^{authority}^PI");
    let both = format!("{}^{given}^^^^^L^A~{}^^^^^L^I", name.family, split_chinese(&name.chinese));
    match source {
        Source::HospitalAdmissions => pid.set(3, local(person.hospital_number(), HOSPITAL_AUTHORITY)).set(5, both),
        // The dialect carries the number without check-digit brackets, its type in the fifth component.
        Source::HospitalAllergies => pid.set(3, format!("{hkid}^^^^HKID")).set(5, format!("{}^{given}", name.family)),
        Source::Laboratory => pid.set(3, local(person.laboratory_number(), LABORATORY_AUTHORITY)).set(5, both),
        Source::Clinic => pid.set(3, local(person.clinic_number(), CLINIC_AUTHORITY)).set(5, both),
    }
}

/// Family and given name of a Chinese name; surnames of two characters are the two that the names table has.
fn split_chinese(chinese: &str) -> String {
    let count = if chinese.starts_with("歐陽") || chinese.starts_with("司徒") { 2 } else { 1 };
    let family: String = chinese.chars().take(count).collect();
    let given: String = chinese.chars().skip(count).collect();
    format!("{family}^{given}")
}

/// A time in HL7's form with its offset: `20261122151205+0800`.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::fixed(Offset::constant(8))).strftime("%Y%m%d%H%M%S%z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_offset_of_hong_kong() {
        assert_eq!(stamp(Timestamp::from_second(1_769_911_200).expect("in range")), "20260201100000+0800");
    }

    #[test]
    fn chinese_surnames_of_two_characters_stay_together() {
        assert_eq!(split_chinese("歐陽詠詩"), "歐陽^詠詩");
        assert_eq!(split_chinese("陳大文"), "陳^大文");
    }
}
