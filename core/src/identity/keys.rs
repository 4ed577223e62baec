//! Keys by which persons and withheld messages are found: hashes, so that an index holds no number in clear.
//!
//! A key is the first eight bytes of SHA-256 over a word that says what sort of key it is and the normalised parts,
//! each preceded by its length, so that no two lists of parts hash alike. The numbers behind are few enough to be
//! tried one by one: the keys are a pseudonym for use inside the repository, not an anonymisation.

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use super::names;
use crate::hkid::Hkid;
use crate::mapped::Identity;
use crate::outcome::SubjectKey;
use crate::person::{Demographics, Document, DocumentKind, LocalNumber, Sex};
use crate::provider::ProviderId;

/// All keys under which a message of `provider` can be found again: one a document, one a local number. A feed speaks
/// for its own provider's numbers only; those it claims for another provider give no key.
pub fn subject_keys(provider: &ProviderId, identity: &Identity) -> Vec<SubjectKey> {
    let documents = identity.documents.iter().map(document_key);
    let own = identity.local_numbers.iter().filter(|number| number.provider == *provider);
    let mut keys: Vec<SubjectKey> = documents.chain(own.map(local_number_key)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The key of an identity document. An HKID is brought to its canonical form; the issuer of an HKID or a birth
/// certificate is Hong Kong whatever was written; case, blanks, hyphens and brackets make no difference.
pub fn document_key(document: &Document) -> SubjectKey {
    let (issuer, number) = document_parts(document);
    SubjectKey(hash("document", &[document.kind.as_str(), &issuer, &number]))
}

/// The key of a provider's own number. Blanks around it and case make no difference; leading zeros and signs do.
pub fn local_number_key(number: &LocalNumber) -> SubjectKey {
    let (authority, value) = (fold(&number.authority), fold(number.number.expose()));
    SubjectKey(hash("local-number", &[&number.provider.0, &authority, &value]))
}

/// The key shared by persons who look alike: the words of the English name in any order, birth date and sex. `None`
/// when one of them is missing or the sex is unknown, since too many would look alike.
pub fn look_alike_key(demographics: &Demographics) -> Option<i64> {
    let tokens = names::english_tokens(demographics);
    let birth = demographics.birth.as_ref()?.expose().to_string();
    let sex = demographics.sex.filter(|sex| *sex != Sex::Unknown)?;
    if tokens.is_empty() {
        return None;
    }
    let mut parts = vec![birth.as_str(), sex.as_str()];
    parts.extend(tokens.iter().map(String::as_str));
    Some(hash("look-alike", &parts))
}

/// Issuer and number of a document as they are compared.
pub(super) fn document_parts(document: &Document) -> (String, String) {
    let number = document.number.expose();
    match document.kind {
        DocumentKind::Hkid => {
            let canonical = Hkid::parse(number).map(|hkid| hkid.as_str().to_owned());
            (String::new(), canonical.unwrap_or_else(|_| plain(number)))
        }
        DocumentKind::Hkbc => (String::new(), plain(number)),
        DocumentKind::Passport
        | DocumentKind::Exemption
        | DocumentKind::ReentryPermit
        | DocumentKind::DocI
        | DocumentKind::OneWayPermit
        | DocumentKind::Other => (fold(&document.issuer), plain(number)),
    }
}

fn fold(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_uppercase).collect()
}

fn plain(text: &str) -> String {
    fold(text).chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '-')).collect()
}

fn hash(sort: &str, parts: &[&str]) -> i64 {
    let mut hasher = Sha256::new();
    for part in std::iter::once(&sort).chain(parts) {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digest: [u8; 32] = hasher.finalize().into();
    digest.iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::BirthDate;
    use crate::phi::Phi;

    fn document(kind: DocumentKind, issuer: &str, number: &str) -> SubjectKey {
        document_key(&Document { kind, issuer: issuer.to_owned(), number: number.into() })
    }

    fn local(provider: &str, authority: &str, number: &str) -> LocalNumber {
        LocalNumber {
            provider: ProviderId(provider.to_owned()),
            authority: authority.to_owned(),
            number: number.into(),
        }
    }

    #[test]
    fn every_writing_of_one_hkid_has_one_key() {
        let key = document(DocumentKind::Hkid, "", "A1234563");
        for (issuer, number) in
            [("", "A123456(3)"), ("HKSAR", "a123456(3)"), ("", "HKID:A1234563"), ("", "Ａ１２３４５６（３）")]
        {
            assert_eq!(document(DocumentKind::Hkid, issuer, number), key, "{number}");
        }
        assert_ne!(document(DocumentKind::Hkid, "", "L1234563"), key, "the same digits with another letter");
        assert_ne!(document(DocumentKind::Hkbc, "", "A1234563"), key, "another kind of document");
    }

    #[test]
    fn a_passport_number_counts_with_its_issuer() {
        let key = document(DocumentKind::Passport, "GBR", "K 123-4567");
        assert_eq!(document(DocumentKind::Passport, "gbr ", "k1234567"), key);
        assert_ne!(document(DocumentKind::Passport, "FRA", "K1234567"), key);
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(local_number_key(&local("HA", "Q", "1")), local_number_key(&local("HA", "", "Q1")));
        assert_ne!(local_number_key(&local("HA", "QMH", "1")), local_number_key(&local("DH", "QMH", "1")));
        assert_eq!(local_number_key(&local("HA", "qmh", "h1 ")), local_number_key(&local("HA", "QMH", "H1")));
    }

    #[test]
    fn a_feed_cannot_claim_numbers_of_another_provider() {
        let identity =
            Identity { local_numbers: vec![local("HA", "QMH", "1"), local("DH", "", "2")], ..Identity::default() };
        let keys = subject_keys(&ProviderId("HA".to_owned()), &identity);
        assert_eq!(keys, vec![local_number_key(&local("HA", "QMH", "1"))]);
    }

    #[test]
    fn looking_alike_needs_name_birth_date_and_sex() {
        let whole = Demographics {
            family: "CHAN".into(),
            given: "TAI MAN".into(),
            birth: BirthDate::parse("1983-01-14").map(Phi::new),
            sex: Some(Sex::Male),
            ..Demographics::default()
        };
        let reordered = Demographics { family: "chan".into(), given: "Man-Tai".into(), ..whole.clone() };
        assert!(look_alike_key(&whole).is_some());
        assert_eq!(look_alike_key(&whole), look_alike_key(&reordered));
        assert_eq!(look_alike_key(&Demographics { birth: None, ..whole.clone() }), None);
        assert_eq!(look_alike_key(&Demographics { sex: Some(Sex::Unknown), ..whole.clone() }), None);
        assert_eq!(look_alike_key(&Demographics { family: "".into(), given: "-".into(), ..whole }), None);
    }

    // Keys are stored, so a change here would lose persons on upgrade. Computed with another implementation.
    #[test]
    fn keys_are_pinned() {
        assert_eq!(document(DocumentKind::Hkid, "", "A1234563").0, -8_407_075_556_365_076_074);
        assert_eq!(local_number_key(&local("HA", "QMH", "H2001")).0, 1_234_492_773_847_064_853);
    }
}
