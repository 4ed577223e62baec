//! Asks a hub on this machine over HTTP: one request, one connection, no dependency.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::de::DeserializeOwned;

/// How long a hub may take for anything.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer taken.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// The JSON at a path.
///
/// # Errors
/// No connection, no answer in time, an answer other than 200, or one that is not of the form expected.
pub(crate) fn get_json<T: DeserializeOwned>(address: SocketAddr, path: &str) -> io::Result<T> {
    serde_json::from_slice(&get(address, path)?.1).map_err(io::Error::from)
}

/// The status and the body at a path.
///
/// # Errors
/// No connection, no answer in time, or one that is no HTTP.
pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<(u16, Vec<u8>)> {
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
    ask(address, head.as_bytes())
}

/// The status and the body that answer a POST; `headers` are whole lines.
///
/// # Errors
/// No connection, no answer in time, or one that is no HTTP.
pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    ask(address, &[head.as_bytes(), body].concat())
}

/// One request, one answer.
fn ask(address: SocketAddr, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    parted(&answer)
}

/// The status and the body of an answer that was read whole.
///
/// # Errors
/// It is no HTTP.
pub(crate) fn parted(answer: &[u8]) -> io::Result<(u16, Vec<u8>)> {
    let no_http = || io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(no_http)?;
    let (head, body) = (answer.get(..end).unwrap_or_default(), answer.get(end + 4..).unwrap_or_default());
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(no_http)?;
    let chunked = head.lines().any(|line| line.eq_ignore_ascii_case("transfer-encoding: chunked"));
    let body = if chunked { unchunked(body).ok_or_else(no_http)? } else { body.to_vec() };
    Ok((status, body))
}

/// The content of chunks (RFC 9112 section 7.1).
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = body.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(body.get(..line)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        let start = line.checked_add(2)?;
        let end = start.checked_add(size)?;
        whole.extend_from_slice(body.get(start..end)?);
        body = body.get(end.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together() {
        assert_eq!(unchunked(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").as_deref(), Some(b"abcde".as_slice()));
        assert_eq!(unchunked(b"3\r\nab"), None);
        assert_eq!(unchunked(b"zz\r\n"), None);
    }
}
