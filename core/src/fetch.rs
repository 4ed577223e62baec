//! Reports sent by pointer: which pointers may be followed, to where, and within which bounds. Pure; what follows one is
//! behind the port [`crate::port::Fetch`].
//!
//! A pointer is a URL that a sender wrote, so it is taken as hostile: nothing is fetched that does not lie below a
//! prefix an operator listed for the feed, and a text that two programs could read differently lies below none.

use core::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::envelope::Digest;
use crate::phi::Phi;

/// The longest pointer that is followed, in bytes.
pub const POINTER_BYTES_MAX: usize = 2048;

/// Where the pointers of a feed may lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPlace {
    /// What a pointer begins with: scheme, host, port and folder, ending in `/`.
    pub pointers: String,
    /// Where what follows is asked for, in place of `pointers`.
    pub source: Source,
    /// Private, loopback and link-local addresses that the host may have. Any other such address is refused.
    pub addresses: Vec<IpAddr>,
    /// The authorities whose server certificates are taken, PEM; of `https`.
    pub ca: Option<PathBuf>,
    /// The longest document, in bytes.
    pub bytes_max: u64,
    /// From the first step of a try to the last byte of the document.
    pub timeout: Duration,
    /// Tries of one document.
    pub tries: u32,
    /// The pause after the first try; it doubles with each.
    pub pause: Duration,
}

/// Where a document is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A server.
    Http(Base),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// A folder of a server, as `https://host:port/folder/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Whether by TLS.
    pub secure: bool,
    /// A DNS name, or an address; IPv6 in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Begins and ends with `/`.
    pub path: String,
}

/// A document that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Of the pointer, as the sender wrote it.
    pub pointer: Digest,
    /// Of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Phi<Arc<[u8]>>,
}

/// Why a text is no prefix of URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseFault {
    /// The scheme is none of those.
    #[error("it begins with none of http://, https:// and file:///")]
    Scheme,
    /// FTP is never spoken.
    #[error("FTP is not spoken: say in `from` at which https:// or file:/// place the same files are")]
    Ftp,
    /// A user or a password in it.
    #[error("a URL with a user name is refused")]
    User,
    /// No host.
    #[error("it names no host")]
    Host,
    /// The port is no number of 1 to 65535.
    #[error("the port is no number from 1 to 65535")]
    Port,
    /// It does not end with `/`.
    #[error("it must name a folder and so end with `/`")]
    NoFolder,
    /// It holds characters, dot segments or escapes of which programs make different things.
    #[error("it holds `..`, `\\`, `%`, `?`, `#` or a character that needs an escape")]
    Ambiguous,
}

impl FetchPlace {
    /// What is asked for beyond the source, when the pointer lies here.
    pub fn rest<'p>(&self, pointer: &'p str) -> Option<&'p str> {
        let rest = pointer.strip_prefix(self.pointers.as_str())?;
        (pointer.len() <= POINTER_BYTES_MAX && is_plain(rest) && !rest.is_empty()).then_some(rest)
    }
}

/// The place a pointer lies in.
pub fn place<'f>(places: &'f [FetchPlace], pointer: &str) -> Option<&'f FetchPlace> {
    places.iter().find(|place| place.rest(pointer).is_some())
}

/// What stands for a pointer where the pointer itself is not kept.
pub fn pointer_digest(pointer: &str) -> Digest {
    Digest::of(pointer.as_bytes())
}

impl Source {
    /// Reads `http://host[:port]/folder/`, `https://…` or `file:///folder/`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BaseFault> {
        if let Some(path) = text.strip_prefix("file://") {
            return if !path.starts_with('/') { Err(BaseFault::Host) } else { folder(path).map(Source::Folder) };
        }
        Base::parse(text).map(Source::Http)
    }
}

/// Checks what pointers may begin with: a source, or the same with `ftp://`.
///
/// # Errors
/// What is wrong with it.
pub fn check_pointers(text: &str) -> Result<(), BaseFault> {
    match text.strip_prefix("ftp://") {
        Some(rest) => Base::parse(&format!("http://{rest}")).map(drop),
        None => Source::parse(text).map(drop),
    }
}

impl Base {
    /// Reads `http://host[:port]/folder/` or `https://…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BaseFault> {
        let (secure, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) if text.starts_with("ftp://") || text.starts_with("ftps://") => return Err(BaseFault::Ftp),
            (None, None) => return Err(BaseFault::Scheme),
        };
        let (authority, path) = rest.split_once('/').ok_or(BaseFault::NoFolder)?;
        if authority.contains('@') {
            return Err(BaseFault::User);
        }
        let (host, port) = split_port(authority)?;
        if host.is_empty() {
            return Err(BaseFault::Host);
        }
        let path = format!("/{path}");
        if !is_plain(path.trim_start_matches('/')) || !is_plain_host(host) || path.contains('?') {
            return Err(BaseFault::Ambiguous);
        }
        if !path.ends_with('/') {
            return Err(BaseFault::NoFolder);
        }
        Ok(Self { secure, host: host.to_owned(), port: port.unwrap_or(if secure { 443 } else { 80 }), path })
    }
}

fn folder(path: &str) -> Result<PathBuf, BaseFault> {
    if !is_plain(path.trim_start_matches('/')) || path.contains('?') {
        return Err(BaseFault::Ambiguous);
    }
    if path.ends_with('/') { Ok(PathBuf::from(path)) } else { Err(BaseFault::NoFolder) }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), BaseFault> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (authority.get(..address.len().saturating_add(2)).unwrap_or_default(), None),
        Some((address, port)) => {
            let host = authority.get(..address.len().saturating_add(2)).unwrap_or_default();
            (host, Some(port.strip_prefix(':').ok_or(BaseFault::Port)?))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let number = |port: &str| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(BaseFault::Port);
    Ok((host, port.map(number).transpose()?))
}

/// A path, with a query perhaps, that every program reads alike: no escapes, no empty and no dot segments.
pub fn is_plain(path: &str) -> bool {
    let taken = |b: u8| b.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@?".contains(&b);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let bare = path.strip_suffix('/').unwrap_or(path);
    let segments = bare.is_empty() || bare.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    segments && path.bytes().all(taken) && query.bytes().all(taken)
}

fn is_plain_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pointers: &str) -> FetchPlace {
        check_pointers(pointers).expect("a prefix");
        FetchPlace {
            pointers: pointers.to_owned(),
            source: Source::Folder("/srv/".into()),
            addresses: Vec::new(),
            ca: None,
            bytes_max: 1,
            timeout: Duration::from_secs(1),
            tries: 1,
            pause: Duration::from_secs(1),
        }
    }

    #[test]
    fn only_what_lies_plainly_below_a_listed_prefix_is_followed() {
        let places = [at("ftp://files.test/pdf/"), at("https://files.test:8443/r/")];
        for (pointer, rest) in [
            ("ftp://files.test/pdf/PWH_102557_1.pdf", "PWH_102557_1.pdf"),
            ("https://files.test:8443/r/a/b?id=1&x=2", "a/b?id=1&x=2"),
        ] {
            assert_eq!(place(&places, pointer).and_then(|place| place.rest(pointer)), Some(rest));
        }
        for pointer in [
            "",
            "ftp://files.test/pdf/",
            "ftp://files.test/pdf",
            "FTP://files.test/pdf/a.pdf",
            "ftp://files.test/PDF/a.pdf",
            "ftp://files.test:21/pdf/a.pdf",
            "ftp://u@files.test/pdf/a.pdf",
            "ftp://files.test.evil.test/pdf/a.pdf",
            "ftp://files.test/pdf/../etc/passwd",
            "ftp://files.test/pdf/./a.pdf",
            "ftp://files.test/pdf//etc/passwd",
            "ftp://files.test/pdf/%2e%2e/a.pdf",
            "ftp://files.test/pdf/..\\a.pdf",
            "ftp://files.test/pdf/a.pdf#x",
            "ftp://files.test/pdf/a b.pdf",
            "ftp://files.test/pdf/a.pdf\r\nHost: evil",
            "ftp://files.test/pdf/報告.pdf",
            "https://files.test/r/a",
            "http://files.test:8443/r/a",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
        ] {
            assert_eq!(place(&places, pointer), None, "{pointer}");
        }
        let long = format!("ftp://files.test/pdf/{}", "a".repeat(POINTER_BYTES_MAX));
        assert_eq!(place(&places, &long), None);
    }

    #[test]
    fn a_source_is_read_whole_or_refused_with_what_is_wrong() {
        let http = |secure, host: &str, port, path: &str| {
            Ok(Source::Http(Base { secure, host: host.to_owned(), port, path: path.to_owned() }))
        };
        assert_eq!(Source::parse("http://a.test/"), http(false, "a.test", 80, "/"));
        assert_eq!(Source::parse("https://a.test/x/y/"), http(true, "a.test", 443, "/x/y/"));
        assert_eq!(Source::parse("https://[::1]:8443/x/"), http(true, "[::1]", 8443, "/x/"));
        assert_eq!(Source::parse("file:///srv/reports/"), Ok(Source::Folder("/srv/reports/".into())));
        for (text, fault) in [
            ("ftp://a.test/x/", BaseFault::Ftp),
            ("gopher://a.test/", BaseFault::Scheme),
            ("https://u:p@a.test/", BaseFault::User),
            ("https:///x/", BaseFault::Host),
            ("file://host/x/", BaseFault::Host),
            ("https://a.test:0/x/", BaseFault::Port),
            ("https://a.test:99999/x/", BaseFault::Port),
            ("https://[::1]8443/x/", BaseFault::Port),
            ("https://a.test", BaseFault::NoFolder),
            ("https://a.test/x", BaseFault::NoFolder),
            ("file:///srv", BaseFault::NoFolder),
            ("https://a.test/../", BaseFault::Ambiguous),
            ("https://a.test/x?y/", BaseFault::Ambiguous),
            ("https://a b/", BaseFault::Ambiguous),
            ("file:///srv/../etc/", BaseFault::Ambiguous),
        ] {
            assert_eq!(Source::parse(text), Err(fault), "{text}");
        }
    }
}
