//! Whom an instance is about: Patient ID with its issuer, the name in its character sets, birth date and sex.

use causeway_core::dicom::tag::{self, Tag};
use causeway_core::feed::FeedSettings;
use causeway_core::feed::dialect::{Dialect, NumberPlace};
use causeway_core::hkid::Hkid;
use causeway_core::mapped::Identity;
use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, Sex};
use causeway_core::phi::Phi;
use causeway_core::reason::Reason;
use causeway_core::record::RecordKey;

use super::header::Header;
use crate::hl7v2::context::key_part;
use crate::hl7v2::identity::{HONG_KONG, without_prefix};

/// The patient of an instance.
#[derive(Debug)]
pub(super) struct Patient {
    pub(super) identity: Identity,
    /// The id of the Patient, the one that HL7 messages with the same number make.
    pub(super) id: String,
}

/// Why nobody can say whom it is about.
#[derive(Debug)]
pub(super) struct Unknown {
    pub(super) reason: Reason,
    pub(super) tag: Tag,
    pub(super) text: &'static str,
}

/// Reads the patient. An operator can mend what is missing: with another character set for the feed, or by asking the sender.
pub(super) fn read(header: &Header<'_>, feed: &FeedSettings) -> Result<Patient, Unknown> {
    let undecodable = |tag: Tag| {
        move |_fault| Unknown {
            reason: Reason::Undecodable,
            tag,
            text: "the text is not in the character set it claims: set `charset` for the feed, then replay",
        }
    };
    let number = header.needed(tag::PATIENT_ID).map_err(undecodable(tag::PATIENT_ID))?;
    let issuer = header.needed(tag::ISSUER_OF_PATIENT_ID).map_err(undecodable(tag::ISSUER_OF_PATIENT_ID))?;
    let name = header.name(tag::PATIENT_NAME).map_err(undecodable(tag::PATIENT_NAME))?;
    if number.is_empty() {
        let text = "no Patient ID: nobody can say whose image it is";
        return Err(Unknown { reason: Reason::NoIdentifier, tag: tag::PATIENT_ID, text });
    }
    let mut identity = Identity { demographics: demographics(header, &name), ..Identity::default() };
    let parts = if is_hkid(&number, &issuer, feed.profile.dialect()) {
        let bare = without_prefix(&number, &feed.profile.dialect().identity).unwrap_or(&number);
        let canonical = Hkid::parse(bare).map(|hkid| hkid.as_str().to_owned());
        identity.hkid_check_failed = canonical.is_err();
        let canonical = canonical.unwrap_or_else(|_fault| bare.to_owned());
        let document =
            Document { kind: DocumentKind::Hkid, issuer: String::new(), number: Phi::new(canonical.clone()) };
        identity.documents.push(document);
        [DocumentKind::Hkid.as_str().to_owned(), canonical]
    } else {
        let named = [&issuer, &feed.patient_id_issuer, &feed.profile.dialect().identity.default_authority];
        let authority = named.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let (provider, number) = (feed.provider.clone(), number);
        let local = LocalNumber { provider, authority: authority.clone(), number: Phi::new(number.clone()) };
        identity.local_numbers.push(local);
        [authority, number]
    };
    let [authority, number] = &parts;
    let joined = format!("{}|{}", key_part(authority), key_part(number));
    let id = RecordKey::new("Patient", &feed.provider.0, &[&joined]).resource_id();
    Ok(Patient { identity, id })
}

/// By what the issuer or a prefix says; by its form alone only in dialects that allow it.
fn is_hkid(number: &str, issuer: &str, dialect: &Dialect) -> bool {
    let prefixed = without_prefix(number, &dialect.identity).is_some();
    let named = issuer == "HKID" || HONG_KONG.contains(&issuer);
    let may_be_bare = dialect.identity.bare_hkid_in.contains(&NumberPlace::PatientId);
    let bare = issuer.is_empty() && may_be_bare && Hkid::parse(number).is_ok();
    prefixed || named || bare
}

/// PS3.5 section 6.2.1: `alphabetic=ideographic=phonetic`, each `family^given^middle^prefix^suffix`. Devices without a keyboard
/// for more put a Chinese name into the first group.
fn demographics(header: &Header<'_>, name: &str) -> Demographics {
    let mut groups = name.split('=');
    let (first, second) = (groups.next().unwrap_or_default(), groups.next().unwrap_or_default());
    let (english, chinese) = if first.chars().any(is_han) { ("", first) } else { (first, second) };
    let part = |group: &str, place: usize| group.split('^').nth(place).unwrap_or_default().trim().to_owned();
    let given = [part(english, 1), part(english, 2)].join(" ").trim().to_owned();
    let born = header.plain(tag::PATIENT_BIRTH_DATE).replace('.', "");
    let birth = BirthDate::parse(&born);
    if birth.is_none() && !born.is_empty() {
        header.note("bad-date", tag::PATIENT_BIRTH_DATE, "what should be a date is none: left out");
    }
    let sex = header.plain(tag::PATIENT_SEX);
    Demographics {
        family: Phi::new(part(english, 0)),
        given: Phi::new(given),
        chinese: Phi::new(format!("{}{}", part(chinese, 0), part(chinese, 1)).replace(' ', "")),
        birth: birth.map(Phi::new),
        sex: (!sex.is_empty()).then(|| Sex::from_hl7(&sex)),
    }
}

const fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
