//! What a certificate says of its holder.

use std::net::IpAddr;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::{Certificate as Parsed, attr::AttributeValue};

/// The attribute `commonName` (X.520; RFC 5280, appendix A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// A certificate, as far as it matters here. It names a machine or an application, never a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The common names of its subject; usually one.
    pub common_names: Vec<String>,
    /// Its alternative DNS names.
    pub dns_names: Vec<String>,
    /// Its alternative URIs.
    pub uris: Vec<String>,
    /// Its alternative addresses.
    pub addresses: Vec<IpAddr>,
    /// The last moment at which it is valid.
    pub not_after: Timestamp,
}

/// Bytes that are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no X.509 certificate")]
pub struct CertificateFault;

impl Certificate {
    /// Reads it. It is not verified here: rustls does that before anyone asks what it says.
    pub fn read(der: &CertificateDer<'_>) -> Result<Self, CertificateFault> {
        let no = |_error| CertificateFault;
        let parsed = Parsed::from_der(der).map_err(no)?;
        let body = &parsed.tbs_certificate;
        let seconds = body.validity.not_after.to_unix_duration().as_secs();
        let not_after = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let mut this = Self {
            sha256: hexadecimal(&Sha256::digest(der)),
            common_names: Vec::new(),
            dns_names: Vec::new(),
            uris: Vec::new(),
            addresses: Vec::new(),
            not_after: not_after.ok_or(CertificateFault)?,
        };
        for attribute in body.subject.0.iter().flat_map(|part| part.0.iter()) {
            if attribute.oid == COMMON_NAME {
                this.common_names.extend(text(&attribute.value));
            }
        }
        let names = body.get::<SubjectAltName>().map_err(no)?.map(|(_critical, names)| names.0).unwrap_or_default();
        names.iter().for_each(|name| this.note(name));
        Ok(this)
    }

    fn note(&mut self, name: &GeneralName) {
        match name {
            GeneralName::DnsName(name) => self.dns_names.push(name.to_string()),
            GeneralName::UniformResourceIdentifier(uri) => self.uris.push(uri.to_string()),
            GeneralName::IpAddress(octets) => self.addresses.extend(address(octets.as_bytes())),
            GeneralName::OtherName(_)
            | GeneralName::Rfc822Name(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::RegisteredId(_) => {}
        }
    }

    /// How to speak of it: its common name, else an alternative name, else the first digits of its digest.
    pub fn name(&self) -> &str {
        let names = self.common_names.iter().chain(&self.dns_names).chain(&self.uris);
        names.map(String::as_str).next().unwrap_or_else(|| self.sha256.get(..16).unwrap_or_default())
    }
}

/// A name in any of the string types that are in use.
fn text(value: &AttributeValue) -> Option<String> {
    let utf8 = || value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().to_owned());
    let ia5 = || value.decode_as::<Ia5StringRef<'_>>().ok().map(|text| text.as_str().to_owned());
    let teletex = || value.decode_as::<TeletexStringRef<'_>>().ok().map(|text| text.as_str().to_owned());
    utf8().or_else(printable).or_else(ia5).or_else(teletex)
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(octets).ok().map(IpAddr::from);
    v4().or_else(v6)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
