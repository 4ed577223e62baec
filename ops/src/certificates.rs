//! Until when the certificates of the doors are valid, by their files: for `check`, `doctor` and `status`.

use causeway_tls::{ExpiryState, TlsSettings, expiries};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// Valid for long enough.
    Well,
    /// Valid, and to be renewed.
    Near,
    /// No longer valid.
    Expired,
    /// Its file cannot be used.
    Unusable,
}

/// One file of certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CertificateStatus {
    /// Whose it is: `mllp 127.0.0.1:2575 certificate`.
    pub(crate) name: String,
    /// What the certificate calls itself; where the file cannot be used, why.
    pub(crate) told: String,
    /// The last moment at which it is valid, where the file can be used.
    pub(crate) not_after: Option<Timestamp>,
    /// How it stands.
    pub(crate) standing: Standing,
}

impl CertificateStatus {
    /// Nobody need look at it.
    pub(crate) const fn is_well(&self) -> bool {
        matches!(self.standing, Standing::Well)
    }

    /// For people.
    pub(crate) fn sentence(&self, now: Timestamp) -> String {
        let days = self.not_after.map(|at| at.duration_since(now).as_hours().div_euclid(24)).unwrap_or_default();
        let Self { name, told, .. } = self;
        match self.standing {
            Standing::Well => format!("{name}: {told}, valid for {days} days"),
            Standing::Near => format!("{name}: {told} expires in {days} days"),
            Standing::Expired => format!("{name}: {told} has expired"),
            Standing::Unusable => format!("{name}: {told}"),
        }
    }
}

/// The certificates of every door, by their files as they are.
pub(crate) fn standings(config: &Config, now: Timestamp) -> Vec<CertificateStatus> {
    let doors = config.door.iter().filter_map(|door| Some((format!("mllp {}", door.listen), door.tls.as_ref()?)));
    let dicom = config.dicom_door.iter();
    let dicom = dicom.filter_map(|door| Some((format!("dicom {}", door.listen), door.tls.as_ref()?)));
    let clinics = config.cm_door.iter();
    let clinics = clinics.filter_map(|door| Some((format!("cm {}", door.listen), door.tls.as_ref()?)));
    doors.chain(dicom).chain(clinics).flat_map(|(name, tls)| of_door(&name, tls, now)).collect()
}

fn of_door(name: &str, tls: &TlsSettings, now: Timestamp) -> Vec<CertificateStatus> {
    // Opening sees more than a look at the dates: a key that belongs to another certificate, for one.
    let expiries = match causeway_tls::Acceptor::open(tls.clone()).and_then(|_well| expiries(tls)) {
        Ok(expiries) => expiries,
        Err(error) => {
            let (name, told) = (name.to_owned(), error.to_string());
            return vec![CertificateStatus { name, told, not_after: None, standing: Standing::Unusable }];
        }
    };
    let status = |expiry: &causeway_tls::Expiry| CertificateStatus {
        name: format!("{name} {}", expiry.setting),
        told: expiry.name.clone(),
        not_after: Some(expiry.not_after),
        standing: match expiry.state(now, tls.warn_before) {
            ExpiryState::Well => Standing::Well,
            ExpiryState::Near => Standing::Near,
            ExpiryState::Expired => Standing::Expired,
        },
    };
    expiries.iter().map(status).collect()
}
