//! What persons, documents and names must be like to be stored, and how they are compared.

use causeway_core::hkid::Hkid;
use causeway_core::person::{Demographics, Document, DocumentKind};
use causeway_core::phi::Phi;

use super::error::{Result, StoreError};

/// At most so many documents of one person.
pub(in crate::repository) const DOCUMENTS_MAX: usize = 32;
/// At most so many bytes in one name or number.
pub(in crate::repository) const TEXT_BYTES_MAX: usize = 200;

/// A number as people type it.
pub(in crate::repository) fn fold_number(number: &str) -> String {
    number
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '-'))
        .flat_map(char::to_uppercase)
        .collect()
}

/// A document fit to be stored: an HKID in its canonical form, with a right check digit.
pub(in crate::repository) fn checked(document: &Document) -> Result<Document> {
    let number = document.number.expose();
    if number.trim().is_empty() || number.len() > TEXT_BYTES_MAX || document.issuer.len() > TEXT_BYTES_MAX {
        return Err(StoreError::Invalid(format!("a document number has 1 to {TEXT_BYTES_MAX} bytes")));
    }
    let number = match document.kind {
        DocumentKind::Hkid => match Hkid::parse(number) {
            Ok(hkid) => hkid.as_str().to_owned(),
            Err(error) => return Err(StoreError::Invalid(error.to_string())),
        },
        DocumentKind::Hkbc
        | DocumentKind::Passport
        | DocumentKind::Exemption
        | DocumentKind::ReentryPermit
        | DocumentKind::DocI
        | DocumentKind::OneWayPermit
        | DocumentKind::Other => number.clone(),
    };
    Ok(Document { number: Phi::new(number), ..document.clone() })
}

/// Names of a length that can be stored.
pub(in crate::repository) fn check_demographics(demographics: &Demographics) -> Result<()> {
    let names = [&demographics.family, &demographics.given, &demographics.chinese];
    if names.iter().any(|name| name.expose().len() > TEXT_BYTES_MAX) {
        return Err(StoreError::Invalid(format!("a name has at most {TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// A name as it is compared: upper case, one blank between words, no commas and hyphens.
pub(in crate::repository) fn fold_name(name: &str) -> String {
    let upper = name.to_uppercase();
    let words = upper.split(|c: char| c.is_whitespace() || matches!(c, ',' | '-'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
