//! Sending over TLS: whom to trust and what to show, the same for every protocol.

use std::path::PathBuf;

use causeway_tls::{ClientTlsSettings, Connector};
use clap::Args;

use crate::diagnostic::{Code, Diagnostic, Outcome};

/// What a client needs for TLS.
#[derive(Debug, Args)]
pub(super) struct Trust {
    /// With TLS: the authorities whose server certificates are taken, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// With TLS: the certificate to show, PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// With TLS: its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl Trust {
    /// The connector for an address that asks for TLS, which it does by beginning with `scheme`. The authorities must then be
    /// given, since there is no list of them that a hospital would trust unasked.
    ///
    /// # Errors
    /// No authorities with TLS, or anything of TLS without it; files that cannot be used.
    pub(super) fn connector(&self, is_tls: bool, scheme: &str) -> Outcome<Option<Connector>> {
        let usage = |what: String, fix: String| Err(Diagnostic::new(Code::Argument, what).fix(fix).into());
        match (is_tls, &self.ca) {
            (true, Some(ca)) => {
                let (certificate, key) = (self.cert.clone(), self.key.clone());
                let connector = Connector::open(&ClientTlsSettings { ca: ca.clone(), certificate, key });
                Ok(Some(connector.map_err(|error| Diagnostic::new(Code::Certificate, error.to_string()))?))
            }
            (true, None) => usage(
                format!("`{scheme}` needs to know whom to trust"),
                "give the authorities with `--ca FILE`".to_owned(),
            ),
            (false, None) if self.cert.is_none() => Ok(None),
            (false, _) => usage(
                "`--ca`, `--cert` and `--key` are for TLS".to_owned(),
                format!("write the address as `{scheme}host:port`"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Stop;

    fn trust(ca: Option<&str>, cert: Option<&str>) -> Trust {
        let path = |name: Option<&str>| name.map(PathBuf::from);
        Trust { ca: path(ca), cert: path(cert), key: path(cert) }
    }

    #[test]
    fn tls_is_asked_for_by_the_address_and_nothing_of_it_is_passed_over_in_silence() {
        assert!(matches!(trust(None, None).connector(false, "https://"), Ok(None)));
        for (trust, is_tls) in
            [(trust(None, None), true), (trust(Some("ca.pem"), None), false), (trust(None, Some("cert.pem")), false)]
        {
            let Err(Stop::Told(told)) = trust.connector(is_tls, "https://") else { panic!("{trust:?} {is_tls}") };
            assert_eq!(told.code, Code::Argument);
        }
    }
}
