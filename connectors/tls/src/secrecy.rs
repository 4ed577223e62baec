//! Who is heard in plain text: this machine, and beyond it only who is listed. A door with TLS hears nothing else.

use std::net::{IpAddr, SocketAddr};

use crate::network::Network;
use crate::settings::{TlsFault, TlsSettings};

/// How a door keeps what it hears from others.
#[derive(Debug, Clone, Copy)]
pub struct Secrecy<'c> {
    /// TLS, if the door has it.
    pub tls: Option<&'c TlsSettings>,
    /// Who may speak in plain text from beyond this machine.
    pub plaintext_from: &'c [Network],
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecrecyFault {
    /// The door listens beyond loopback without TLS, and nobody said that is wanted.
    #[error(
        "it listens beyond this machine in plain text: give it TLS, or listen on 127.0.0.1; `insecure_plaintext_from`, where a door has it, lists who may connect all the same"
    )]
    PlaintextBeyondLoopback,
    /// A door cannot speak both.
    #[error("it has TLS, so it hears no plain text: leave `insecure_plaintext_from` out, or open another door")]
    PlaintextBesideTls,
    /// The settings of TLS do not go together.
    #[error("{0}")]
    Tls(TlsFault),
}

impl Secrecy<'_> {
    /// What is wrong with a door that listens here.
    pub fn faults(&self, listens: &[SocketAddr]) -> Vec<SecrecyFault> {
        let Some(tls) = self.tls else {
            let is_here = listens.iter().all(|address| address.ip().is_loopback());
            let is_wanted = is_here || !self.plaintext_from.is_empty();
            return if is_wanted { Vec::new() } else { vec![SecrecyFault::PlaintextBeyondLoopback] };
        };
        let both = (!self.plaintext_from.is_empty()).then_some(SecrecyFault::PlaintextBesideTls);
        tls.faults().into_iter().map(SecrecyFault::Tls).chain(both).collect()
    }

    /// Whether a peer may speak as it does, before a byte of it is read.
    pub fn hears(&self, peer: IpAddr) -> bool {
        self.tls.is_some() || peer.is_loopback() || self.plaintext_from.iter().any(|network| network.contains(peer))
    }

    /// The networks of which not every address is heard.
    pub fn unheard<'n>(&self, networks: &'n [Network]) -> impl Iterator<Item = &'n Network> {
        let heard = |network: &&Network| {
            self.tls.is_some()
                || network.is_loopback()
                || self.plaintext_from.iter().any(|allowed| allowed.covers(network))
        };
        networks.iter().filter(move |network| !heard(network))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect(text)
    }

    #[test]
    fn beyond_this_machine_nobody_is_heard_in_plain_text_who_is_not_listed() {
        let (here, everywhere) = ("127.0.0.1:1".parse().expect("one"), "0.0.0.0:1".parse().expect("one"));
        let listed = [network("10.1.0.0/16")];
        let plain = Secrecy { tls: None, plaintext_from: &[] };
        assert_eq!(plain.faults(&[here]), []);
        assert_eq!(plain.faults(&[here, everywhere]), [SecrecyFault::PlaintextBeyondLoopback]);
        let open = Secrecy { tls: None, plaintext_from: &listed };
        assert_eq!(open.faults(&[everywhere]), []);
        let peers = ["127.0.0.1", "::1", "10.1.2.3", "10.2.0.1"].map(|peer| peer.parse().expect(peer));
        assert_eq!(peers.map(|peer| plain.hears(peer)), [true, true, false, false]);
        assert_eq!(peers.map(|peer| open.hears(peer)), [true, true, true, false]);
        let networks = [network("127.0.0.0/8"), network("10.1.2.0/24"), network("10.0.0.0/8")];
        assert_eq!(open.unheard(&networks).collect::<Vec<_>>(), [&networks[2]]);
    }

    #[test]
    fn with_tls_everybody_is_heard_and_no_list_of_plain_text_stands_beside_it() {
        let tls = TlsSettings::new(PathBuf::from("a"), PathBuf::from("b"), None);
        let listed = [network("10.1.0.0/16")];
        let secret = Secrecy { tls: Some(&tls), plaintext_from: &[] };
        assert_eq!(secret.faults(&["0.0.0.0:1".parse().expect("one")]), []);
        assert!(secret.hears("203.0.113.9".parse().expect("one")));
        assert_eq!(secret.unheard(&[network("0.0.0.0/0")]).count(), 0);
        assert_eq!(Secrecy { plaintext_from: &listed, ..secret }.faults(&[]), [SecrecyFault::PlaintextBesideTls]);
        let half = TlsSettings { require_client: true, ..tls };
        let faults = Secrecy { tls: Some(&half), plaintext_from: &[] }.faults(&[]);
        assert_eq!(faults, [SecrecyFault::Tls(TlsFault::NoClientAuthority)]);
    }
}
