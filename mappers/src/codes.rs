//! The code tables: from the codes of HL7 v2 to those of FHIR. Each is a file in `codes/`, whose first line names its
//! source; the files are part of the program and are read once.

use std::sync::LazyLock;

/// A table: rows of `N` columns, found by the first.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    rows: Vec<[&'static str; N]>, // INVARIANT: in the order of the buckets of their first columns.
    /// Where the rows of each bucket begin, and where the last ones end. Most texts that are looked up are no codes, and most
    /// codes are alone in their bucket.
    starts: Vec<usize>,
}

/// A concept of a code system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Concept {
    /// Its code.
    pub(crate) code: &'static str,
    /// What it is called there; may be empty.
    pub(crate) display: &'static str,
    /// The URI of the system.
    pub(crate) system: &'static str,
}

macro_rules! tables {
    ($($(#[$about:meta])* $name:ident $columns:literal $file:literal;)+) => {
        $(
            $(#[$about])*
            pub(crate) static $name: LazyLock<Table<$columns>> =
                LazyLock::new(|| Table::parse(include_str!(concat!("codes/", $file))));
        )+

        /// Every file: its name, how many columns it has, its text.
        const FILES: &[(&str, usize, &str)] =
            &[$(($file, $columns, include_str!(concat!("codes/", $file)))),+];
    };
}

tables! {
    /// v2, code.
    ADMINISTRATIVE_SEX 2 "administrative_sex.csv";
    /// v2, code, display, system, status of an encounter of this class.
    PATIENT_CLASS 5 "patient_class.csv";
    /// v2, code, display, system.
    ADMISSION_TYPE 4 "admission_type.csv";
    /// v2, code, display, system.
    HOSPITAL_SERVICE 4 "hospital_service.csv";
    /// v2, code, display, system.
    AMBULATORY_STATUS 4 "ambulatory_status.csv";
    /// v2, code, display, system.
    READMISSION 4 "readmission.csv";
    /// v2, code, display, system.
    ENCOUNTER_PRIORITY 4 "encounter_priority.csv";
    /// v2, code, display, system.
    ARRIVAL_MODE 4 "arrival_mode.csv";
    /// v2, code, display, system.
    MARITAL_STATUS 4 "marital_status.csv";
    /// v2, code, display, system.
    RELATIONSHIP 4 "relationship.csv";
    /// v2, code, display, system.
    CONTACT_ROLE 4 "contact_role.csv";
    /// v2, code.
    NAME_TYPE 2 "name_type.csv";
    /// v2, code.
    NAME_REPRESENTATION 2 "name_representation.csv";
    /// v2, code.
    TELECOM_USE 2 "telecom_use.csv";
    /// v2, system, use.
    TELECOM_EQUIPMENT 3 "telecom_equipment.csv";
    /// v2, use, type.
    ADDRESS_TYPE 3 "address_type.csv";
    /// v2, code.
    ORDER_STATUS 2 "order_status.csv";
    /// v2, code, rank, retracted.
    ORDER_CONTROL 4 "order_control.csv";
    /// v2, code.
    ORDER_PRIORITY 2 "order_priority.csv";
    /// v2 in upper case, status of an appointment, status of a participant.
    APPOINTMENT_STATUS 3 "appointment_status.csv";
    /// v2, code, rank, retracted.
    REPORT_STATUS 4 "report_status.csv";
    /// v2, code, rank, retracted.
    OBSERVATION_STATUS 4 "observation_status.csv";
    /// v2, code, display, system.
    INTERPRETATION 4 "interpretation.csv";
    /// v2, display, domain, category.
    DIAGNOSTIC_SECTION 4 "diagnostic_section.csv";
    /// v2, category, type.
    ALLERGEN_TYPE 3 "allergen_type.csv";
    /// v2, severity, criticality.
    ALLERGY_SEVERITY 3 "allergy_severity.csv";
    /// v2, clinical status, verification status.
    ALLERGY_CLINICAL_STATUS 3 "allergy_clinical_status.csv";
    /// v2, role, display, verification status.
    DIAGNOSIS_TYPE 4 "diagnosis_type.csv";
    /// v2, use, code of table 0203.
    IDENTIFIER_TYPE 3 "identifier_type.csv";
    /// v2, system, recognised.
    CODE_SYSTEM 3 "code_system.csv";
    /// v2 in upper case, code, display.
    LANGUAGE 3 "language.csv";
    /// v2 in upper case, media type.
    ATTACHMENT_TYPE 2 "attachment_type.csv";
    /// v2, code, display, system.
    SPECIMEN_TYPE 4 "specimen_type.csv";
    /// v2, code, display, system.
    SPECIMEN_CONDITION 4 "specimen_condition.csv";
    /// v2, code, display, system.
    SPECIMEN_COLLECTION_METHOD 4 "specimen_collection_method.csv";
    /// v2, code, display, system.
    APPOINTMENT_TYPE 4 "appointment_type.csv";
    /// v2, code, display, system.
    COMMENT_TYPE 4 "comment_type.csv";
    /// v2, code, display, system.
    PROVIDER_ROLE 4 "provider_role.csv";
    /// v2, code.
    SPECIMEN_AVAILABLE 2 "specimen_available.csv";
    /// v2, display, domain.
    DOCUMENT_TYPE 3 "document_type.csv";
    /// v2, status, rank.
    DOCUMENT_COMPLETION 3 "document_completion.csv";
    /// v2, code, display, system.
    DOCUMENT_CONFIDENTIALITY 4 "document_confidentiality.csv";
    /// v2, display, domain, category.
    MODALITY 4 "modality.csv";
    /// v2, section.
    REPORT_SECTION 2 "report_section.csv";
    /// Words in lower case, code.
    PROBLEM_CONFIRMATION 2 "problem_confirmation.csv";
    /// Words in lower case, code.
    PROBLEM_LIFE_CYCLE 2 "problem_life_cycle.csv";
    /// v2, code.
    REFERRAL_STATUS 2 "referral_status.csv";
    /// Name in lower case or LOINC code, code, display.
    OBSTETRIC_RECORD 3 "obstetric_record.csv";
    /// Name in lower case or LOINC code, code, display.
    BIRTH_RECORD 3 "birth_record.csv";
    /// v2, code, rank, retracted: order control as the status of a prescription.
    MEDICATION_CONTROL 4 "medication_control.csv";
    /// v2, code, rank, retracted: order status as the status of a prescription.
    MEDICATION_STATUS 4 "medication_status.csv";
    /// v2, count, frequency, period, unit, when, code.
    REPEAT_PATTERN 7 "repeat_pattern.csv";
    /// v2 in upper case, code.
    DURATION_UNIT 2 "duration_unit.csv";
    /// v2, code, display, system.
    ROUTE 4 "route.csv";
    /// v2, code, display, system.
    ADMINISTRATION_SITE 4 "administration_site.csv";
    /// v2, code, display, system.
    ADMINISTRATION_METHOD 4 "administration_method.csv";
    /// v2, code, display, system.
    DISPENSE_TYPE 4 "dispense_type.csv";
    /// Table and v2, system, whether something else was given, whether it may be.
    SUBSTITUTION 4 "substitution.csv";
    /// v2, what it is called, what it becomes (`text` with a note where R4 has no place for it), an example.
    VALUE_TYPE 4 "value_type.csv";
    /// v2, status of an immunisation, status of an administration.
    COMPLETION_STATUS 3 "completion_status.csv";
    /// v2, code, display, system.
    IMMUNIZATION_SOURCE 4 "immunization_source.csv";
    /// LOINC code, what of an Immunization it answers.
    IMMUNIZATION_FACT 2 "immunization_fact.csv";
    /// The name of a coding system, what it is.
    CHINESE_MEDICINE_SYSTEM 2 "chinese_medicine_system.csv";
    /// How the number begins, system, domain, last day.
    REGISTERED_PRODUCT 4 "registered_product.csv";
}

impl<const N: usize> Table<N> {
    /// Reads a table: the first line is its source, the second the names of its columns. A line with another number
    /// of columns is left out, and a test finds it.
    fn parse(text: &'static str) -> Self {
        let mut rows: Vec<[&'static str; N]> = text.lines().skip(2).filter_map(columns).collect();
        let bucket_of = |row: &[&'static str; N]| bucket(row.first().copied().unwrap_or_default());
        rows.sort_by_key(bucket_of);
        let starts = (0..=BUCKETS).map(|at| rows.partition_point(|row| bucket_of(row) < at)).collect();
        Self { rows, starts }
    }

    /// The row of a code.
    pub(crate) fn row(&self, v2: &str) -> Option<&[&'static str; N]> {
        let bucket = bucket(v2);
        let (from, to) = (*self.starts.get(bucket)?, *self.starts.get(bucket + 1)?);
        self.rows.get(from..to)?.iter().find(|row| row.first() == Some(&v2))
    }
}

/// How many buckets a table has.
const BUCKETS: usize = 128;

/// The bucket of a code, by how it begins and ends and how long it is.
fn bucket(code: &str) -> usize {
    let (first, last) = match code.as_bytes() {
        [] => (0, 0),
        [only] => (*only, *only),
        [first, .., last] => (*first, *last),
    };
    (usize::from(first) * 11 + usize::from(last) * 5 + code.len() * 37) % BUCKETS
}

impl Table<2> {
    /// The code a v2 code becomes.
    pub(crate) fn code(&self, v2: &str) -> Option<&'static str> {
        self.row(v2).map(|[_, code]| *code)
    }
}

impl Table<4> {
    /// The concept a v2 code becomes.
    pub(crate) fn concept(&self, v2: &str) -> Option<Concept> {
        self.row(v2).map(|[_, code, display, system]| Concept { code, display, system })
    }
}

/// The files with a row that leads from a v2 code to one of these words. Slow: for explanations.
pub(crate) fn between(v2: &str, words: &[&str]) -> Vec<&'static str> {
    let leads = |line: &'static str| {
        let mut row = line.split(',').map(|column| column.trim_matches('"'));
        row.next() == Some(v2) && row.any(|column| !column.is_empty() && words.contains(&column))
    };
    let files = FILES.iter().filter(|(_, _, text)| !v2.is_empty() && text.lines().skip(2).any(leads));
    files.map(|(file, _, _)| *file).collect()
}

/// Of every file with a row for a v2 code the first code with another meaning. Slow: for explanations.
pub(crate) fn beside(v2: &str) -> Vec<&'static str> {
    let other = |text: &'static str| {
        let rows = || text.lines().skip(2).filter_map(|line| line.split_once(','));
        let (_, meaning) = rows().find(|(code, _)| *code == v2)?;
        rows().find(|(_, other)| *other != meaning).map(|(code, _)| code)
    };
    FILES.iter().filter_map(|(_, _, text)| other(text)).collect()
}

/// What a result status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    /// The FHIR code.
    pub(crate) code: &'static str,
    /// The rung on the ladder of `VersionClock::rank`.
    pub(crate) rank: u8,
    /// Whether the sender takes the result back with it.
    pub(crate) retracted: bool,
}

/// Reads [`REPORT_STATUS`], [`OBSERVATION_STATUS`] or [`ORDER_CONTROL`].
pub(crate) fn status(table: &Table<4>, v2: &str) -> Option<Status> {
    let [_, code, rank, retracted] = table.row(v2)?;
    Some(Status { code, rank: rank.parse().unwrap_or(0), retracted: *retracted == "y" })
}

/// The columns of a line: separated by commas; a column with commas stands in double quotes.
fn columns<const N: usize>(line: &'static str) -> Option<[&'static str; N]> {
    let mut row = [""; N];
    let mut rest = Some(line);
    for column in &mut row {
        let text = rest?;
        let (value, after) = match text.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (value, after.strip_prefix(','))
            }
            None => text.split_once(',').map_or((text, None), |(value, after)| (value, Some(after))),
        };
        *column = value;
        rest = after;
    }
    rest.is_none().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_names_its_source_and_has_its_columns_in_every_line() {
        let count = |line: &'static str, wanted: usize| match wanted {
            2 => columns::<2>(line).is_some(),
            3 => columns::<3>(line).is_some(),
            4 => columns::<4>(line).is_some(),
            5 => columns::<5>(line).is_some(),
            7 => columns::<7>(line).is_some(),
            _ => false,
        };
        for (file, wanted, text) in FILES {
            assert!(
                text.starts_with("# ") && text.lines().next().is_some_and(|l| l.len() > 20),
                "{file} has no source"
            );
            assert!(text.lines().nth(1).is_some_and(|names| names.starts_with("v2,")), "{file} has no column names");
            for line in text.lines().skip(1) {
                assert!(count(line, *wanted), "{file}: {line}");
                let inside = line.trim_matches('"').replace("\",", ",").replace(",\"", ",");
                let is_written_as_it_is = |c: char| c != '"' && c != '\\' && !c.is_control();
                assert!(inside.chars().all(is_written_as_it_is), "{file}: {line} would ask for escapes in JSON");
            }
        }
    }

    #[test]
    fn no_code_stands_in_a_table_twice() {
        for (file, _, text) in FILES {
            let mut seen: Vec<&str> = text.lines().skip(2).filter_map(|l| l.split(',').next()).collect();
            let all = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), all, "{file}");
        }
    }

    #[test]
    fn codes_are_found_and_unknown_ones_are_not() {
        assert_eq!(ADMINISTRATIVE_SEX.code("F"), Some("female"));
        assert_eq!(ADMINISTRATIVE_SEX.code("X"), None);
        assert_eq!(ADMINISTRATIVE_SEX.code(""), None);
        assert_eq!(PATIENT_CLASS.row("I").map(|row| row[1]), Some("IMP"));
        assert_eq!(DIAGNOSTIC_SECTION.row("EN").map(|row| row[1]), Some("Electroneuro (EEG, EMG,EP,PSG)"));
        assert_eq!(
            status(&OBSERVATION_STATUS, "W"),
            Some(Status { code: "entered-in-error", rank: 3, retracted: true })
        );
        assert_eq!(status(&REPORT_STATUS, "F"), Some(Status { code: "final", rank: 2, retracted: false }));
    }
}
