//! The parameters of a search (PS3.18 section 8.3.4), and whether a header answers them (PS3.4 section C.2.2.2).

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use causeway_core::dicom::dictionary;
use causeway_core::dicom::instance::StudyQuery;
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::uid::Uid;
use causeway_core::phi::Phi;
use serde_json::{Map, Value};

use super::answer::Fault;
use super::gzip::Coding;

/// The most results of one answer.
pub(super) const LIMIT_MAX: usize = 1000;
/// Results when nothing is said.
const LIMIT: usize = 100;

/// What is asked, and whether the answer may be packed.
pub(super) struct Asked {
    pairs: Vec<(String, String)>,
    pub(super) coding: Coding,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        let unreadable = |_rejection| Fault::BadRequest("the parameters are `name=value` with & between".to_owned());
        let Query(pairs) = Query::try_from_uri(&parts.uri).map_err(unreadable)?;
        Ok(Self { pairs, coding: Coding::of(&parts.headers) })
    }
}

/// A search.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Search {
    pub(super) conditions: Vec<Condition>,
    /// Elements wanted beside the usual ones.
    pub(super) include: Vec<Tag>,
    pub(super) include_all: bool,
    pub(super) limit: usize,
    pub(super) offset: usize,
    /// Fuzzy matching was asked for, which is not done.
    pub(super) fuzzy: bool,
}

/// An element that must match.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) tag: Tag,
    pub(super) value: String,
}

impl Search {
    /// Reads the parameters.
    pub(super) fn of(asked: &Asked) -> Result<Self, Fault> {
        Self::read(&asked.pairs)
    }

    /// What of it the index can find, so many studies at once.
    pub(super) fn narrowed(&self, limit: u32) -> StudyQuery {
        let exact = |tag| self.exact(tag).map(|text| Phi::new(text.to_owned()));
        let date = self.conditions.iter().find(|condition| condition.tag == tag::STUDY_DATE);
        let (since, until) = date.map(Condition::range).unwrap_or_default();
        StudyQuery {
            study: self.exact(tag::STUDY_INSTANCE_UID).and_then(|text| Uid::parse(text).ok()),
            accession: exact(tag::ACCESSION_NUMBER),
            patient_id: exact(tag::PATIENT_ID),
            since,
            until,
            limit,
            ..StudyQuery::default()
        }
    }

    fn read(pairs: &[(String, String)]) -> Result<Self, Fault> {
        let mut search = Self { limit: LIMIT, ..Self::default() };
        for (name, value) in pairs {
            let number = || {
                value
                    .parse::<usize>()
                    .map_err(|_no| Fault::BadRequest(format!("`{name}` is a number, written in digits")))
            };
            match name.as_str() {
                "limit" => search.limit = number()?.min(LIMIT_MAX),
                "offset" => search.offset = number()?,
                "fuzzymatching" => search.fuzzy = value.eq_ignore_ascii_case("true"),
                "includefield" => search.include(value),
                "includedefaults" | "accept" | "access_token" => {}
                name => search.condition(name, value)?,
            }
        }
        Ok(search)
    }

    fn include(&mut self, value: &str) {
        for name in value.split(',').map(str::trim) {
            match dictionary::tag_of(name) {
                _ if name.eq_ignore_ascii_case("all") => self.include_all = true,
                Some(tag) => self.include.push(tag),
                // A private element of a server someone had before: there is none here.
                None => {}
            }
        }
    }

    fn condition(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if name.contains('.') {
            let what = "elements within sequences are not searched: leave that parameter out, and look at the results";
            return Err(Fault::BadRequest(what.to_owned()));
        }
        let Some(tag) = dictionary::tag_of(name) else {
            let what = "a parameter is no element of DICOM: name it by keyword, as PatientID, or by tag, as 00100020";
            return Err(Fault::BadRequest(what.to_owned()));
        };
        // A value that is empty matches everything.
        if !matches!(value, "" | "*") {
            self.conditions.push(Condition { tag, value: value.to_owned() });
        }
        Ok(())
    }

    /// The value of a condition that names one thing exactly, so that the index can find it.
    pub(super) fn exact(&self, tag: Tag) -> Option<&str> {
        let value = self.conditions.iter().find(|condition| condition.tag == tag)?.value.as_str();
        (!value.contains(['*', '?', '\\', ','])).then_some(value)
    }

    /// Whether a header answers all conditions.
    pub(super) fn matches(&self, header: &Map<String, Value>) -> bool {
        self.conditions.iter().all(|condition| condition.matches(header))
    }
}

impl Condition {
    /// First and last of a range; the same for one value.
    pub(super) fn range(&self) -> (Option<String>, Option<String>) {
        let end = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match self.value.split_once('-') {
            Some((first, last)) => (end(first), end(last)),
            None => (end(&self.value), end(&self.value)),
        }
    }

    fn matches(&self, header: &Map<String, Value>) -> bool {
        let Some(element) = header.get(&self.tag.hex()) else { return false };
        let vr = element.get("vr").and_then(Value::as_str).unwrap_or_default();
        let values = element.get("Value").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        values.iter().any(|value| self.fits(vr, value))
    }

    fn fits(&self, vr: &str, value: &Value) -> bool {
        match (vr, value) {
            ("PN", Value::Object(groups)) => {
                let wanted = self.value.to_lowercase();
                groups.values().filter_map(Value::as_str).any(|name| named(&wanted, &name.to_lowercase()))
            }
            ("UI", Value::String(uid)) => self.value.split([',', '\\']).any(|wanted| wanted.trim() == uid),
            ("DA" | "TM" | "DT", Value::String(moment)) => {
                let (first, last) = self.range();
                // A shorter bound means all that begins with it.
                let begins = |bound: &str| moment.get(..bound.len()).unwrap_or(moment).to_owned();
                first.is_none_or(|first| begins(&first) >= first) && last.is_none_or(|last| begins(&last) <= last)
            }
            (_, Value::String(text)) => self.value.split('\\').any(|wanted| wild(wanted, text)),
            (_, Value::Number(number)) => {
                let wanted = self.value.trim().parse::<f64>().ok();
                wanted.is_some() && wanted == number.as_f64()
            }
            _ => false,
        }
    }
}

/// A name; blanks and the sign between its components are one.
fn named(wanted: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace('^', " ").trim_end().to_owned();
    wild(&plain(wanted), &plain(name))
}

/// `*` stands for any characters, `?` for one. Linear in the text for each star.
fn wild(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(character) if *character == '?' || Some(character) == text.get(t) => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                p = star + 1;
                t = from + 1;
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|character| *character == '*'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn search(query: &[(&str, &str)]) -> Search {
        let pairs: Vec<(String, String)> = query.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Search::read(&pairs).expect("well formed")
    }

    #[test]
    fn a_header_answers_by_the_rules_of_each_representation() {
        let header = json!({
            "00080020": { "vr": "DA", "Value": ["20261101"] },
            "00080030": { "vr": "TM", "Value": ["093000.5"] },
            "00080050": { "vr": "SH", "Value": ["RAD-77"] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "CHAN^TAI MAN", "Ideographic": "陳^大文" }] },
            "0020000D": { "vr": "UI", "Value": ["1.2.3"] },
            "00200011": { "vr": "IS", "Value": [7] },
        });
        let header = header.as_object().expect("an object");
        let is = |name: &str, value: &str| search(&[(name, value)]).matches(header);
        for (name, value) in [
            ("StudyDate", "20261101"),
            ("StudyDate", "20261030-"),
            ("StudyDate", "-20261101"),
            ("StudyDate", "20261001-20261130"),
            ("StudyTime", "09-10"),
            ("AccessionNumber", "RAD-??"),
            ("PatientName", "chan*"),
            ("PatientName", "CHAN TAI MAN"),
            ("PatientName", "陳*"),
            ("StudyInstanceUID", "1.9,1.2.3"),
            ("0020000D", "1.9\\1.2.3"),
            ("SeriesNumber", "07"),
            ("Modality", ""),
        ] {
            assert!(is(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("StudyDate", "20261102-"),
            ("StudyTime", "10-11"),
            ("AccessionNumber", "rad-77"),
            ("PatientName", "CHAN"),
            ("StudyInstanceUID", "1.2.*"),
            ("SeriesNumber", "8"),
            ("Modality", "CT"),
        ] {
            assert!(!is(name, value), "{name}={value}");
        }
        assert!(wild("*a*b*", "xxaxxbxx") && !wild("*a*b", "xxaxxbxx") && wild("", "") && !wild("?", ""));
    }

    #[test]
    fn parameters_that_cannot_be_answered_are_refused_with_words() {
        let refused = |name: &str, value: &str| Search::read(&[(name.to_owned(), value.to_owned())]).is_err();
        assert!(refused("limit", "ten") && refused("00400275.00400009", "1") && refused("Nonsense", "1"));
        let read = search(&[("limit", "100000"), ("offset", "3"), ("includefield", "00081030,PatientAge,all,xyz")]);
        assert_eq!((read.limit, read.offset, read.include.len(), read.include_all), (LIMIT_MAX, 3, 2, true));
        assert!(search(&[("fuzzymatching", "true")]).fuzzy);
    }
}
