//! What a dialect of HL7 v2 changes, as data: a TOML file of a site, or one of the two in `profiles/` that are part of the
//! program. docs/profiles.md tells what each key means.

mod words;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use words::{
    AllergyCategory, AllergyMeaning, CharsetName, FieldName, NumberForm, NumberPlace, PatientClass, SegmentName,
};

/// The text of the profile `generic`.
pub const GENERIC: &str = include_str!("profiles/generic.toml");
/// The text of the profile `hk-public-hospital`.
pub const HK_PUBLIC_HOSPITAL: &str = include_str!("profiles/hk-public-hospital.toml");

/// A dialect.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialect {
    /// The profile it begins with.
    pub base: Base,
    /// What it is, in one line.
    pub summary: String,
    /// The character set of messages that name none in MSH-18, where the feed leaves the choice to the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<CharsetName>,
    /// The numbers of patients.
    pub identity: IdentityDialect,
    /// Visits.
    pub visit: VisitDialect,
    /// Allergies and adverse reactions sent as OBX.
    pub allergy: AllergyDialect,
    /// Clinical alerts sent as OBX.
    pub alert: AlertDialect,
    /// What the site sends and nobody needs.
    pub ignore: IgnoreDialect,
    /// What the site promises to send.
    pub promise: PromiseDialect,
}

/// The numbers of patients.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityDialect {
    /// Where a number without type and authority is an HKID when its check digit is right. MRG-1, MRG-2 and MRG-4 follow the
    /// fields of PID whose numbers they have.
    pub bare_hkid_in: Vec<NumberPlace>,
    /// What stands in front of a number that is an HKID, in any case of letters.
    pub hkid_prefixes: Vec<String>,
    /// Whose numbers those are that come without an authority (CX.4).
    pub default_authority: String,
    /// Types (CX.5) of numbers that are the sender's own of the patient, beside those of docs/fhir.md.
    pub own_number_types: Vec<String>,
}

/// Visits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisitDialect {
    /// The site's letters in PV1-2, and those of table 0004 they stand for.
    pub classes: BTreeMap<String, PatientClass>,
    /// The forms of visit numbers (PV1-19), and the class each tells.
    pub class_of_number: BTreeMap<NumberForm, PatientClass>,
}

/// Allergies and adverse reactions sent as OBX.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AllergyDialect {
    /// OBX-3.3 of those that are.
    pub coding_system: String,
    /// Whether they are whatever OBX-3.3 says.
    pub any_coding_system: bool,
    /// What OBX-3.1 may be, each with its letters.
    pub entities: BTreeMap<String, AllergyEntity>,
}

/// An entity of OBX-3.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllergyEntity {
    /// What it is called.
    pub name: String,
    /// The letters of OBX-3.4.
    pub letters: BTreeMap<String, AllergyLetter>,
}

/// A letter of OBX-3.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllergyLetter {
    /// What an entry with it says.
    pub meaning: AllergyMeaning,
    /// The category of the allergen, where the letter tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<AllergyCategory>,
    /// What it is called.
    pub display: String,
}

/// Clinical alerts sent as OBX.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertDialect {
    /// OBX-3.3 of those that are.
    pub coding_system: String,
    /// Whether they are whatever OBX-3.3 says.
    pub any_coding_system: bool,
    /// What OBX-3.1 may be.
    pub entities: Vec<String>,
    /// What OBX-3.2 may be, in lower case.
    pub names: Vec<String>,
}

/// What the site sends and nobody needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IgnoreDialect {
    /// Segments that are passed over without a note. They stay in the log with the message's bytes.
    pub segments: Vec<SegmentName>,
}

/// What the site promises to send.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromiseDialect {
    /// Fields that have a value in every such segment. One without gives a note.
    pub fields: Vec<FieldName>,
}

/// A profile that others may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// HL7 v2.3 to 2.8 as the standard has it.
    #[default]
    Generic,
    /// The v2.3.1 dialect of Hong Kong's public hospitals.
    HkPublicHospital,
}

impl Base {
    /// Its dialect.
    pub fn dialect(self) -> &'static Dialect {
        static GENERIC_READ: LazyLock<Dialect> = LazyLock::new(|| Base::Generic.read());
        static HK_READ: LazyLock<Dialect> = LazyLock::new(|| Base::HkPublicHospital.read());
        match self {
            Self::Generic => &GENERIC_READ,
            Self::HkPublicHospital => &HK_READ,
        }
    }

    /// Its file.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Generic => GENERIC,
            Self::HkPublicHospital => HK_PUBLIC_HOSPITAL,
        }
    }

    /// The files are part of the program: a test holds that they can be read.
    fn read(self) -> Dialect {
        Dialect::deserialize(self.table()).unwrap_or_default()
    }

    /// What it says with what its own base says.
    fn table(self) -> Table {
        let own: Table = toml::from_str(self.text()).unwrap_or_default();
        match self {
            Self::Generic => own,
            Self::HkPublicHospital => over(Self::Generic.table(), own),
        }
    }
}

impl Dialect {
    /// Reads one: what it does not say is as its base has it.
    ///
    /// # Errors
    /// A key that does not exist, or a value that cannot be, with its place in the text.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        // Alone first: an error of the merged table would have no place.
        let own: Self = toml::from_str(text)?;
        Self::deserialize(over(own.base.table(), toml::from_str(text)?))
    }
}

impl AllergyDialect {
    /// What a letter means under an entity.
    pub fn letter(&self, entity: &str, letter: &str) -> Option<&AllergyLetter> {
        self.entities.get(entity)?.letters.get(letter)
    }
}

impl VisitDialect {
    /// The class a visit number tells.
    pub fn class_of(&self, number: &str) -> Option<PatientClass> {
        self.class_of_number.iter().find(|(form, _)| form.fits(number)).map(|(_, class)| *class)
    }
}

/// A table over another: tables are joined key by key, everything else is replaced.
fn over(mut below: Table, above: Table) -> Table {
    for (key, value) in above {
        let joined = match (below.remove(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(over(below, above)),
            (_, value) => value,
        };
        below.insert(key, joined);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_of_the_program_can_be_read() {
        for base in [Base::Generic, Base::HkPublicHospital] {
            let dialect = Dialect::parse(base.text()).expect("a dialect");
            assert_eq!(&dialect, base.dialect());
            assert!(!dialect.summary.is_empty());
        }
        assert_eq!(Base::HkPublicHospital.dialect().allergy.entities, Base::Generic.dialect().allergy.entities);
        assert_ne!(Base::HkPublicHospital.dialect(), Base::Generic.dialect());
    }

    #[test]
    fn a_site_says_only_what_is_different() {
        let text = "base = \"hk-public-hospital\"\n[visit]\nclasses.D = \"O\"\n[allergy.entities.900]\nname = \"Ours\"\n\
                    letters.F = { meaning = \"allergy\", category = \"food\", display = \"Food\" }\n";
        let dialect = Dialect::parse(text).expect("a dialect");
        assert_eq!(dialect.visit.classes.get("A"), Some(&PatientClass::E));
        assert_eq!(dialect.visit.classes.get("D"), Some(&PatientClass::O));
        assert_eq!(dialect.allergy.letter("900", "F").and_then(|letter| letter.category), Some(AllergyCategory::Food));
        assert!(dialect.allergy.any_coding_system && dialect.allergy.letter("100109", "N").is_some());
    }

    #[test]
    fn a_key_or_a_value_that_cannot_be_is_an_error_with_its_place() {
        for (text, what) in [
            ("[identity]\nbare_hkid = []", "unknown field `bare_hkid`"),
            ("base = \"generik\"", "unknown variant `generik`"),
            ("charset = \"KLINGON\"", "no character set"),
            ("[identity]\nbare_hkid_in = [\"PID-5\"]", "unknown variant `PID-5`"),
            ("[visit]\nclasses.A = \"Z\"", "unknown variant `Z`"),
            ("[visit.class_of_number]\n\"\" = \"I\"", "no form of a number"),
            ("[ignore]\nsegments = [\"PID\"]", "no message can do without"),
            ("[ignore]\nsegments = [\"zz\"]", "no name of a segment"),
            ("[promise]\nfields = [\"PV1.19\"]", "no field"),
        ] {
            let error = Dialect::parse(text).expect_err(text);
            assert!(error.message().contains(what), "{text}: {error}");
            assert!(error.span().is_some(), "{text}: {error}");
        }
    }

    #[test]
    fn the_case_number_of_a_public_hospital_tells_the_class() {
        let visit = &Base::HkPublicHospital.dialect().visit;
        for (number, class) in [
            ("HN24000123X", Some(PatientClass::I)),
            ("OP24000123X", Some(PatientClass::O)),
            ("AE24000123X", Some(PatientClass::E)),
            ("HN2400012X", None),
            ("XX24000123X", None),
            ("", None),
            ("香香香", None),
        ] {
            assert_eq!(visit.class_of(number), class, "{number}");
        }
        assert_eq!(Base::Generic.dialect().visit.class_of("HN24000123X"), None);
    }
}
