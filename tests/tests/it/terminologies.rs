//! Terminologies are loaded, not shipped: no code of LOINC, SNOMED CT, ICD or HKCTT is part of the program, but for what
//! stands here by name with its reason.

use crate::tidy::tracked;

/// Where codes of a terminology stand, and why they may.
const REASONS: &[(&str, &str)] = &[
    ("mappers/src/codes/code_system.csv", "names of the terminologies and their URIs, and none of their codes"),
    (
        "mappers/src/chinese_medicine/tables/system.csv",
        "names of the terminologies and their URIs, and none of their codes",
    ),
    ("mappers/src/codes/birth_record.csv", "LOINC codes by which a sender's birth record is known; none is written"),
    ("mappers/src/codes/obstetric_record.csv", "LOINC codes by which a sender's record is known; none is written"),
    (
        "mappers/src/codes/immunization_fact.csv",
        "LOINC codes by which a sender's observation is known; none is written",
    ),
    ("mappers/src/codes/report_section.csv", "LOINC codes by which a sender's section is known; none is written"),
    ("mappers/src/hl7v2/trigger/referral.rs", "the LOINC code of FHIR's preferred document types for a referral note"),
    ("ops/src/generate/", "synthetic messages, with codes as a sender has them; made to be sent, read by no mapper"),
    ("ops/src/bench/oru.hl7", "a synthetic message, with codes as a sender has them"),
    ("storage/src/repository/bench.rs", "synthetic records to measure with"),
    ("docs/chinese-medicine/terminology/", "invented look-alikes; each says so in its first line"),
];

/// Words of the shape of a LOINC code that are none.
const OTHERS: [&str; 1] = ["8859-1"];
/// Beginnings of the URIs of the terminologies, put together here so that this file holds none of them.
const SYSTEMS: [[&str; 2]; 5] =
    [["snomed.info", "/sct"], ["loinc", ".org"], ["fhir/sid/", "icd"], ["id.who.int", "/icd"], ["code:", "HKCTT"]];

#[test]
fn no_code_of_a_terminology_is_shipped_but_those_that_have_a_reason() {
    let mut unused: Vec<&str> = REASONS.iter().map(|(place, _)| *place).collect();
    let mut wrong = Vec::new();
    for (name, text) in tracked(&[".rs", ".csv", ".hl7", ".json"]).into_iter().filter(|(name, _)| is_shipped(name)) {
        for (number, line) in program(&text).lines().enumerate() {
            let Some(found) = terminology(&name, line) else { continue };
            match REASONS.iter().find(|(place, _)| name.starts_with(place)) {
                Some((place, _)) => unused.retain(|other| other != place),
                None => wrong.push(format!("{name}:{}: {found}", number + 1)),
            }
        }
    }
    assert!(wrong.is_empty(), "load it from a site's table, or give the reason here:\n{}", wrong.join("\n"));
    assert_eq!(unused, Vec::<&str>::new(), "reasons for codes that are not there");
}

#[test]
fn tables_of_trials_say_that_they_are_invented() {
    let tables =
        tracked(&[".csv"]).into_iter().filter(|(name, _)| name.starts_with("docs/chinese-medicine/terminology/"));
    let mut count = 0;
    for (name, text) in tables.chain(tracked(&["ops/src/demo/lab.csv"])) {
        assert!(text.starts_with("# Invented"), "{name} does not say that it is invented");
        count += 1;
    }
    assert!(count >= 2, "only {count} tables were found");
}

#[test]
fn codes_are_known_by_their_check_digits() {
    for code in ["718-7", "2345-7", "57133-1"] {
        assert!(is_loinc(code), "{code}");
    }
    for code in ["718-8", "2026-03", "12-3", "-7", "0-0-7"] {
        assert!(!is_loinc(code), "{code}");
    }
    for code in ["40570005", "7771000", "249378009"] {
        assert!(is_snomed(code), "{code}");
    }
    for code in ["40570006", "20261101", "12345", "1234567890"] {
        assert!(!is_snomed(code), "{code}");
    }
    assert!(is_icd("E11.9") && is_icd("M54.50") && !is_icd("V2.5") && !is_icd("e11.9") && !is_icd("E11"));
}

/// Goes into the program or is handed out with it; what only tests and benchmarks of the codec see does not.
fn is_shipped(name: &str) -> bool {
    let program = ["core/src/", "connectors/", "mappers/src/", "router/src/", "storage/src/", "serve/src/", "ops/src/"];
    let is_test = name.contains("/tests") || name.ends_with("testing.rs") || name.contains("/benches/");
    // The data dictionary of DICOM is full of numbers of eight digits, and router/src/walk of tests.
    let is_other = name == "core/src/dicom/dictionary.csv" || name.starts_with("router/src/walk/");
    let is_contract = name.starts_with("core/src/contract/");
    (program.iter().any(|folder| name.starts_with(folder)) && !is_test && !is_other && !is_contract)
        || name.starts_with("docs/")
}

/// The part of a source file before its tests.
fn program(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// What of a terminology a line holds.
fn terminology(name: &str, line: &str) -> Option<String> {
    let code = line.trim_start();
    if code.starts_with("//") || code.starts_with('#') {
        return None;
    }
    let system = SYSTEMS.iter().map(|parts| parts.concat()).find(|uri| line.contains(uri.as_str()));
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c)));
    let mut codes = words.filter(|word| {
        let of_table = (name.ends_with(".csv") || name.ends_with(".hl7")) && is_icd(word);
        of_table || is_snomed(word) || (is_loinc(word) && !OTHERS.contains(word))
    });
    system.or_else(|| codes.next().map(str::to_owned))
}

/// A number of two to five digits, and its check digit by the mod 10 algorithm (LOINC Users' Guide, appendix).
fn is_loinc(word: &str) -> bool {
    let Some((number, check)) = word.split_once('-') else { return false };
    let digits = |text: &str| text.chars().map(|c| c.to_digit(10)).collect::<Option<Vec<u32>>>();
    let (Some(number), Some(check)) = (digits(number), digits(check)) else { return false };
    let sum = number.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let digit = if place % 2 == 0 { digit * 2 } else { *digit };
        sum + digit / 10 + digit % 10
    });
    (3..=5).contains(&number.len()) && check == [(10 - sum % 10) % 10]
}

/// A concept of SNOMED CT (Release File Specifications, SCTID): 6 to 18 digits, the third-last and the second-last tell
/// a concept, the last is Verhoeff's. Dates are none.
fn is_snomed(word: &str) -> bool {
    let Some(digits) = word.chars().map(|c| c.to_digit(10)).collect::<Option<Vec<u32>>>() else { return false };
    let is_date = [8, 14].contains(&digits.len()) && (word.starts_with("19") || word.starts_with("20"));
    let is_concept = digits.iter().rev().nth(1) == Some(&0) && digits.iter().rev().nth(2).is_some_and(|d| *d <= 1);
    (6..=18).contains(&digits.len()) && !is_date && is_concept && is_verhoeff(&digits)
}

/// Verhoeff's check over the dihedral group of ten: rotations 0 to 4, reflections 5 to 9.
fn is_verhoeff(digits: &[u32]) -> bool {
    const TURN: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |left: u32, right: u32| match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right) % 5,
        (false, true) => 5 + (left - right) % 5,
        (false, false) => (left + 5 - right) % 5,
    };
    let turned = |digit: u32, times: usize| (0..times % 8).fold(digit, |digit, _| TURN[digit as usize]);
    digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| product(sum, turned(*digit, place))) == 0
}

/// A letter, two digits, a point and more digits, as ICD-10 writes a subcategory.
fn is_icd(word: &str) -> bool {
    let Some((category, rest)) = word.split_once('.') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let letter = category.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    letter && category.len() == 3 && category.get(1..).is_some_and(digits) && digits(rest) && rest.len() <= 4
}
