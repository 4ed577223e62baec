//! Media types as they stand in `Content-Type` (RFC 9110 section 8.3.1), with the boundary of RFC 2046 section 5.1.1.

/// The longest boundary, in bytes.
const BOUNDARY_MAX: usize = 70;

/// A media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// As `multipart/related`, in lower case.
    pub kind: String,
    /// Its parameters, in their order; names in lower case, values without their quotes.
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads one; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let kind = kind.trim().to_ascii_lowercase();
        let (of, what) = kind.split_once('/')?;
        if !is_token(of) || !is_token(what) {
            return None;
        }
        let mut parameters = Vec::new();
        while !rest.trim().is_empty() {
            let (name, after) = rest.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let (value, left) = value(after)?;
            if !is_token(&name) || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
            rest = left;
        }
        Some(Self { kind, parameters })
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The boundary between parts; `None` without one, or with one that cannot be.
    pub fn boundary(&self) -> Option<&str> {
        let good = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
        let boundary = self.parameter("boundary")?;
        let fits = (1..=BOUNDARY_MAX).contains(&boundary.len()) && boundary.chars().all(good);
        (fits && !boundary.ends_with(' ')).then_some(boundary)
    }
}

/// The value of a parameter, quoted or not, and what follows its semicolon.
fn value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        let value = value.trim();
        return is_token(value).then(|| (value.to_owned(), rest));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, character) in quoted.char_indices() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => {
                let rest = quoted.get(at.saturating_add(1)..)?.trim_start();
                return if rest.is_empty() { Some((value, rest)) } else { Some((value, rest.strip_prefix(';')?)) };
            }
            other => value.push(other),
        }
    }
    None
}

/// RFC 9110 section 5.6.2, and the slash that senders leave unquoted in `type=application/dicom`.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:=?".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_write_is_read() {
        let read = |text: &str| MediaType::parse(text).unwrap_or_else(|| panic!("{text}"));
        let quoted = read("Multipart/Related; type=\"application/dicom\"; boundary=\"a b;\\\"c\"");
        assert_eq!((quoted.kind.as_str(), quoted.parameter("type")), ("multipart/related", Some("application/dicom")));
        assert_eq!((quoted.parameter("boundary"), quoted.boundary()), (Some("a b;\"c"), None));
        let plain = read("multipart/related;type=application/dicom ;boundary=----=_Part_1");
        assert_eq!((plain.parameter("type"), plain.boundary()), (Some("application/dicom"), Some("----=_Part_1")));
        assert_eq!(read("application/dicom").boundary(), None);
    }

    #[test]
    fn what_is_no_media_type_is_none_and_a_boundary_has_its_grammar() {
        for bad in ["", "dicom", "a/b; x", "a/b; x=\"y", "a/b; x=y; x=z", "a/b; x=\"y\" z", "a /b", "a/b; =y"] {
            assert_eq!(MediaType::parse(bad), None, "{bad}");
        }
        let boundary = |text: &str| {
            MediaType::parse(&format!("a/b; boundary=\"{text}\"")).and_then(|kind| kind.boundary().map(str::to_owned))
        };
        assert!(boundary(&"x".repeat(70)).is_some());
        for bad in ["", "ends ", "é", "tab\tbed", &"x".repeat(71)] {
            assert_eq!(boundary(bad), None, "{bad:?}");
        }
    }
}
