//! Persons as JSON lines: the registry's own form, with `join` and `share` beside it.

use causeway_core::from_objects_alone;
use causeway_core::hkid::Hkid;
use causeway_core::person::{Demographics, Document, DocumentKind, LocalNumber};
use causeway_core::phi::Phi;
use causeway_core::port::NewPerson;
use causeway_core::provider::ProviderId;
use serde::Deserialize;

use super::{BadRow, Join, Row};

/// One line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
struct Line {
    documents: Vec<Document>,
    demographics: Demographics,
    #[serde(default)]
    local_numbers: Vec<LocalNumber>,
    #[serde(default)]
    join: Option<Join>,
    #[serde(default)]
    share: Vec<ProviderId>,
}

from_objects_alone! { read: Line }

/// Reads all lines; blank ones are skipped.
pub(crate) fn read(text: &str) -> impl Iterator<Item = Result<Row, BadRow>> {
    let numbered = text.lines().zip(1_usize..).filter(|(line, _)| !line.trim().is_empty());
    numbered.map(|(line, number)| {
        let place = format!("line {number}");
        // The error of the reader may hold a value of the line, so only its kind and column are told.
        let line: Line = serde_json::from_str(line).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Data => "a field is missing, unknown or of the wrong kind",
                serde_json::error::Category::Syntax => "it is no JSON",
                serde_json::error::Category::Eof | serde_json::error::Category::Io => "it ends too early",
            };
            let why = format!("{what} (column {})", error.column());
            BadRow::new(&place, why, "correct the line; docs/importing.md tells the forms")
        })?;
        let documents =
            line.documents.into_iter().map(|document| checked(document, &place)).collect::<Result<_, _>>()?;
        let person = NewPerson { documents, demographics: line.demographics, local_numbers: line.local_numbers };
        Ok(Row { place, person, join: line.join, share: line.share })
    })
}

/// A document whose HKID, if it is one, is in canonical form.
pub(super) fn checked(document: Document, place: &str) -> Result<Document, BadRow> {
    match document.kind {
        DocumentKind::Hkid => {
            let hkid = Hkid::parse(document.number.expose())
                .map_err(|error| BadRow::new(place, error.to_string(), "correct the number of the identity card"))?;
            Ok(Document { number: Phi::new(hkid.as_str().to_owned()), ..document })
        }
        DocumentKind::Hkbc
        | DocumentKind::Passport
        | DocumentKind::Exemption
        | DocumentKind::ReentryPermit
        | DocumentKind::DocI
        | DocumentKind::OneWayPermit
        | DocumentKind::Other => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::policy::PolicyVersion;

    use super::*;

    const GOOD: &str = r#"{"documents":[{"kind":"HKID","number":"a123456(3)"}],"demographics":{"family":"CHAN","birth":"1983","sex":"M"},"join":{"policy":"2025"},"share":["HA"]}"#;

    #[test]
    fn an_array_is_no_object_even_with_the_values_of_its_fields_in_their_order() {
        let whole = r#"[[{"kind":"HKID","number":"A123456(3)"}],{"family":"CHAN"},[],{"policy":"2025"},[]]"#;
        let document = GOOD.replace(r#"{"kind":"HKID","number":"a123456(3)"}"#, r#"["HKID",null,"a123456(3)"]"#);
        let demographics = GOOD.replace(r#"{"family":"CHAN","birth":"1983","sex":"M"}"#, r#"["CHAN"]"#);
        let join = GOOD.replace(r#"{"policy":"2025"}"#, r#"["2025"]"#);
        for line in [whole, &document, &demographics, &join] {
            assert_ne!(line, GOOD);
            let bad = read(line).next().expect("a line").expect_err(line);
            assert!(bad.why.starts_with("a field is missing, unknown or of the wrong kind (column "), "{bad:?}");
        }
    }

    #[test]
    fn a_line_is_read_and_its_hkid_made_canonical() {
        let row = read(GOOD).next().expect("a line").expect("well formed");
        assert_eq!(row.person.documents[0].number.expose(), "A1234563");
        assert_eq!(row.join.map(|join| (join.policy, join.at)), Some((PolicyVersion::V2025, None)));
        assert_eq!((row.place.as_str(), row.share.len()), ("line 1", 1));
    }

    #[test]
    fn a_bad_line_is_told_without_a_value_of_it_and_the_next_one_is_read() {
        let wrong = GOOD.replace("123456(3)", "123456(4)");
        let unknown = GOOD.replace("\"share\"", "\"sahre\"");
        let birth = GOOD.replace("1983", "someday");
        let text = format!("{wrong}\n\n{unknown}\n{birth}\nnot json\n{GOOD}\n");
        let rows: Vec<_> = read(&text).collect();
        let places: Vec<_> = rows.iter().filter_map(|row| row.as_ref().err()).map(|bad| bad.place.clone()).collect();
        assert_eq!(places, ["line 1", "line 3", "line 4", "line 5"]);
        assert!(rows[4].is_ok());
        for bad in rows.iter().filter_map(|row| row.as_ref().err()) {
            assert!(!format!("{bad:?}").contains("123456") && !format!("{bad:?}").contains("someday"), "{bad:?}");
        }
    }
}
