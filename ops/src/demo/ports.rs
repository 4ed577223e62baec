//! The ports of a demo: those wished for, or the next ones that are free.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use crate::config::find::{self, FILE_NAME, Wanted};
use crate::diagnostic::{Code, Diagnostic, Outcome};

/// So many ports are tried, one after the other.
const TRIES: u16 = 100;

/// The ports of a demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    /// Of the MLLP door.
    pub(crate) mllp: u16,
    /// Of the pages.
    pub(crate) http: u16,
    /// Of the Chinese-medicine door; none in a folder that was made without one.
    pub(crate) cm: Option<u16>,
    /// Of the DICOM door; none in a folder that was made without one.
    pub(crate) dicom: Option<u16>,
}

impl Ports {
    /// The address of the MLLP door.
    pub(crate) fn mllp(self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.mllp).into()
    }

    /// The address of the Chinese-medicine door.
    pub(crate) fn cm(self) -> Option<SocketAddr> {
        self.cm.map(|port| (Ipv4Addr::LOCALHOST, port).into())
    }

    /// The address of the DICOM door.
    pub(crate) fn dicom(self) -> Option<SocketAddr> {
        self.dicom.map(|port| (Ipv4Addr::LOCALHOST, port).into())
    }

    /// The address of the pages.
    pub(crate) fn http(self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.http).into()
    }
}

/// The ports a demo's folder was made with.
pub(super) fn configured(dir: &Path) -> Outcome<Ports> {
    let found = find::read(&Wanted { path: Some(dir.join(FILE_NAME)), set: Vec::new() })?;
    let config = found.config();
    let mllp = config.door.first().map_or(2575, |door| door.listen.port());
    let cm = config.cm_door.first().map(|door| door.listen.port());
    let dicom = config.dicom_door.first().map(|door| door.listen.port());
    Ok(Ports { mllp, http: config.server.listen.port(), cm, dicom })
}

/// The ports wished for where they are free, else the next free ones.
pub(super) fn free(wished: Ports) -> Outcome<Ports> {
    let mllp = next_free(wished.mllp, &[])?;
    let http = next_free(wished.http, &[mllp])?;
    let cm = wished.cm.map(|port| next_free(port, &[mllp, http])).transpose()?;
    let taken = [mllp, http, cm.unwrap_or(mllp)];
    let dicom = wished.dicom.map(|port| next_free(port, &taken)).transpose()?;
    Ok(Ports { mllp, http, cm, dicom })
}

fn next_free(wished: u16, but_not: &[u16]) -> Outcome<u16> {
    let candidates = (0..TRIES).map_while(|step| wished.checked_add(step)).filter(|port| !but_not.contains(port));
    for port in candidates {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            && let Ok(address) = listener.local_addr()
            && !but_not.contains(&address.port())
        {
            return Ok(address.port());
        }
    }
    let what = format!("none of the {TRIES} ports from {wished} on is free");
    Err(Diagnostic::new(Code::PortTaken, what)
        .fix("choose others with --mllp-port, --http-port, --cm-port and --dicom-port")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_gives_way_to_the_next_one() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("bound").port();
        let found = free(Ports { mllp: port, http: port, cm: Some(port), dicom: Some(port) }).expect("free ones");
        let cm = found.cm.expect("one was wished for");
        let dicom = found.dicom.expect("one was wished for");
        assert!([found.mllp, found.http, cm, dicom].iter().all(|free| *free > port), "{port} {found:?}");
        assert!(
            found.mllp != found.http
                && cm != found.mllp
                && cm != found.http
                && ![found.mllp, found.http, cm].contains(&dicom),
            "{found:?}"
        );
    }
}
