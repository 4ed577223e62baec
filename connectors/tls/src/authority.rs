//! A certificate authority for trials and tests: `causeway init` makes one, so that TLS works from the first minute.
//!
//! It is not for production: its key lies beside what it signs.

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use x509_cert::der::Decode as _;

/// What the authority calls itself.
const NAME: &str = "Causeway development CA";
/// How long its own certificate is valid.
const YEARS_TEN: SignedDuration = SignedDuration::from_hours(24 * 3653);
/// Clocks of machines differ.
const LEEWAY: SignedDuration = SignedDuration::from_hours(1);

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The cryptography refused.
    #[error("the certificate cannot be made: {0}")]
    Made(#[from] rcgen::Error),
    /// A moment beyond what a certificate can say.
    #[error("the certificate cannot be valid at that time")]
    Time,
    /// What was given is no certificate.
    #[error("that is no certificate")]
    NotOne,
}

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valid {
    /// The first moment.
    pub from: Timestamp,
    /// The last moment.
    pub until: Timestamp,
}

impl Valid {
    /// From about `now`, for so long.
    pub fn for_(now: Timestamp, long: SignedDuration) -> Self {
        Self { from: now.saturating_sub(LEEWAY).unwrap_or(now), until: now.saturating_add(long).unwrap_or(now) }
    }
}

/// The authority.
#[derive(Debug)]
pub struct Authority {
    key: KeyPair,
}

impl Authority {
    /// One with a new key.
    pub fn new() -> Result<Self, AuthorityError> {
        Ok(Self { key: KeyPair::generate()? })
    }

    /// The one whose key this is, in PEM.
    pub fn with_key(pem: &str) -> Result<Self, AuthorityError> {
        Ok(Self { key: KeyPair::from_pem(pem)? })
    }

    /// Its own certificate, valid for ten years from `now`, and its key.
    pub fn pair(&self, now: Timestamp) -> Result<Pair, AuthorityError> {
        let mut params = authority_params()?;
        validate(&mut params, Valid::for_(now, YEARS_TEN))?;
        let certificate = params.self_signed(&self.key)?;
        Ok(Pair { certificate: certificate.pem(), key: self.key.serialize_pem() })
    }

    /// A certificate for a server that is reached by these DNS names and addresses.
    pub fn server(&self, names: &[&str], valid: Valid) -> Result<Pair, AuthorityError> {
        let common = names.first().copied().unwrap_or("server");
        self.issue(common, names, ExtendedKeyUsagePurpose::ServerAuth, valid)
    }

    /// A certificate for a client of this common name and these DNS names.
    pub fn client(&self, common: &str, names: &[&str], valid: Valid) -> Result<Pair, AuthorityError> {
        self.issue(common, names, ExtendedKeyUsagePurpose::ClientAuth, valid)
    }

    /// A list of certificates, in PEM, that this authority revokes.
    pub fn revoke(&self, certificates: &[&str], valid: Valid) -> Result<String, AuthorityError> {
        let mut revoked = Vec::new();
        for pem in certificates {
            let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_error| AuthorityError::NotOne)?;
            let parsed = x509_cert::Certificate::from_der(&der).map_err(|_error| AuthorityError::NotOne)?;
            revoked.push(RevokedCertParams {
                serial_number: SerialNumber::from_slice(parsed.tbs_certificate.serial_number.as_bytes()),
                revocation_time: moment(valid.from)?,
                reason_code: None,
                invalidity_date: None,
            });
        }
        let list = CertificateRevocationListParams {
            this_update: moment(valid.from)?,
            next_update: moment(valid.until)?,
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer()?)?.pem()?)
    }

    fn issue(
        &self,
        common: &str,
        names: &[&str],
        purpose: ExtendedKeyUsagePurpose,
        valid: Valid,
    ) -> Result<Pair, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
        params.distinguished_name = named(common);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        validate(&mut params, valid)?;
        let certificate = params.signed_by(&key, &self.issuer()?)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    fn issuer(&self) -> Result<Issuer<'static, &KeyPair>, AuthorityError> {
        Ok(Issuer::new(authority_params()?, &self.key))
    }
}

fn authority_params() -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named(NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn validate(params: &mut CertificateParams, valid: Valid) -> Result<(), AuthorityError> {
    params.not_before = moment(valid.from)?;
    params.not_after = moment(valid.until)?;
    Ok(())
}

fn moment(at: Timestamp) -> Result<OffsetDateTime, AuthorityError> {
    OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|_error| AuthorityError::Time)
}
