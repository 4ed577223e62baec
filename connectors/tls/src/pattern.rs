//! Which client certificates belong to a feed, as `cn:LIS`, `dns:lis.qmh.example`, `uri:urn:oid:1.2.3`,
//! `ip:10.1.2.3` or `sha256:` and 64 digits.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;

/// One name or digest of a certificate, compared as a whole: a pattern with wildcards would let an authority's other
/// customers in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientPattern {
    /// A common name of the subject.
    CommonName(String),
    /// An alternative DNS name, in any case.
    Dns(String),
    /// An alternative URI.
    Uri(String),
    /// An alternative address.
    Address(IpAddr),
    /// The SHA-256 of the whole certificate, in lower-case digits.
    Sha256(String),
}

/// A text that names no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no certificate: write cn:NAME, dns:NAME, uri:URI, ip:ADDRESS or sha256:DIGITS")]
pub struct ClientPatternError(pub String);

impl ClientPattern {
    /// The certificate is one of these.
    pub fn fits(&self, certificate: &Certificate) -> bool {
        match self {
            Self::CommonName(name) => certificate.common_names.contains(name),
            Self::Dns(name) => certificate.dns_names.iter().any(|other| other.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => certificate.uris.contains(uri),
            Self::Address(address) => certificate.addresses.contains(address),
            Self::Sha256(digits) => certificate.sha256 == *digits,
        }
    }
}

impl FromStr for ClientPattern {
    type Err = ClientPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let no = || ClientPatternError(text.to_owned());
        let (kind, name) = text.split_once(':').ok_or_else(no)?;
        if name.is_empty() {
            return Err(no());
        }
        match kind {
            "cn" => Ok(Self::CommonName(name.to_owned())),
            "dns" => Ok(Self::Dns(name.to_owned())),
            "uri" => Ok(Self::Uri(name.to_owned())),
            "ip" => name.parse().map(Self::Address).map_err(|_error| no()),
            "sha256" => digits(name).map(Self::Sha256).ok_or_else(no),
            _ => Err(no()),
        }
    }
}

/// 64 hexadecimal digits, which may stand in pairs with colons between them, as tools print them.
fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
    (digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit())).then_some(digits)
}

impl fmt::Display for ClientPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommonName(name) => write!(f, "cn:{name}"),
            Self::Dns(name) => write!(f, "dns:{name}"),
            Self::Uri(uri) => write!(f, "uri:{uri}"),
            Self::Address(address) => write!(f, "ip:{address}"),
            Self::Sha256(digits) => write!(f, "sha256:{digits}"),
        }
    }
}

impl Serialize for ClientPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClientPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ClientPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClientPattern".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(cn|dns|uri|ip|sha256):.+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_what_names_nothing_is_refused() {
        let digest = "ab".repeat(32);
        for text in
            ["cn:LIS of QMH", "dns:lis.example", "uri:urn:oid:1.2.3", "ip:10.1.2.3", &format!("sha256:{digest}")]
        {
            let pattern: ClientPattern = text.parse().expect(text);
            assert_eq!(pattern.to_string(), text);
        }
        let spaced = format!("sha256:{}", vec!["AB"; 32].join(":"));
        assert_eq!(spaced.parse(), Ok(ClientPattern::Sha256(digest)));
        for text in ["LIS", "cn:", "sha256:abcd", "ip:lis", "ou:LAB", ""] {
            assert!(text.parse::<ClientPattern>().is_err(), "{text}");
        }
    }
}
