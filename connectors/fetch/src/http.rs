//! One document by HTTP/1.1 (RFC 9112), by TLS or not.

use std::net::SocketAddr;

use bytes::Bytes;
use causeway_core::fetch::{Base, FetchPlace};
use causeway_core::port::FetchError;
use causeway_tls::{ClientTlsSettings, Connector};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ACCEPT_ENCODING, CONNECTION, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::{address, check_told};

/// Redirects followed, each within the place.
const REDIRECTS_MAX: usize = 3;
/// The longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Header fields of an answer.
const FIELDS_MAX: usize = 100;

/// Asks for what stands at `rest` below the base.
pub(crate) async fn get(
    place: &FetchPlace,
    base: &Base,
    rest: &str,
    announced: Option<u64>,
) -> Result<Vec<u8>, FetchError> {
    let addresses = address::resolve(place, base).await?;
    let mut target = format!("{}{rest}", base.path);
    for _ in 0..=REDIRECTS_MAX {
        let answer = ask(place, base, &addresses, &target).await?;
        if !answer.status().is_redirection() {
            return read(place, answer, announced).await;
        }
        target = redirected(base, &answer)?;
    }
    Err(FetchError::Unreachable("the server redirects without end".to_owned()))
}

/// Where a redirect leads, when that is within the same folder of the same server.
fn redirected(base: &Base, answer: &Response<Incoming>) -> Result<String, FetchError> {
    let elsewhere = || FetchError::Forbidden("the server redirects out of the place; that is not followed".to_owned());
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(elsewhere)?;
    let scheme = if base.secure { "https" } else { "http" };
    let (with_port, without) = (format!("{scheme}://{}:{}", base.host, base.port), format!("{scheme}://{}", base.host));
    let standard = base.port == if base.secure { 443 } else { 80 };
    let below = |origin: &str| location.strip_prefix(origin).filter(|path| path.starts_with('/'));
    let path = below(&with_port).or_else(|| below(&without).filter(|_| standard)).or_else(|| below(""));
    let path = path.filter(|path| !path.starts_with("//")).ok_or_else(elsewhere)?;
    let rest = path.strip_prefix(base.path.as_str()).ok_or_else(elsewhere)?;
    if causeway_core::fetch::is_plain(rest) { Ok(path.to_owned()) } else { Err(elsewhere()) }
}

async fn ask(
    place: &FetchPlace,
    base: &Base,
    addresses: &[SocketAddr],
    target: &str,
) -> Result<Response<Incoming>, FetchError> {
    let stream = TcpStream::connect(addresses)
        .await
        .map_err(|error| FetchError::Unreachable(format!("no connection to the server: {}", error.kind())))?;
    if !base.secure {
        return exchange(stream, base, target).await;
    }
    let Some(ca) = &place.ca else {
        return Err(FetchError::Forbidden("`https` needs the `ca` of the place".to_owned()));
    };
    // Read each time, so that a renewed authority needs no restart.
    let settings = ClientTlsSettings { ca: ca.clone(), certificate: None, key: None };
    let unreachable = |what: String| FetchError::Unreachable(format!("no TLS with the server: {what}"));
    let connector = Connector::open(&settings).map_err(|error| unreachable(error.to_string()))?;
    let session = connector.connect(&base.host, stream).await.map_err(|error| unreachable(error.to_string()))?;
    exchange(session, base, target).await
}

async fn exchange<S>(stream: S, base: &Base, target: &str) -> Result<Response<Incoming>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken =
        |_error: hyper::Error| FetchError::Unreachable("the server's answer is no HTTP, or broke off".to_owned());
    let shaken = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = shaken.await.map_err(broken)?;
    // It ends when the answer is read or dropped: the sender is the only one who could ask for more.
    drop(tokio::spawn(connection));
    let request = Request::get(target)
        .header(HOST, authority(base))
        .header(USER_AGENT, "causeway")
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_error| FetchError::Forbidden("the pointer cannot be asked for".to_owned()))?;
    sender.send_request(request).await.map_err(broken)
}

fn authority(base: &Base) -> String {
    let standard = base.port == if base.secure { 443 } else { 80 };
    if standard { base.host.clone() } else { format!("{}:{}", base.host, base.port) }
}

/// The body, as long as it stays within the bounds.
async fn read(place: &FetchPlace, answer: Response<Incoming>, announced: Option<u64>) -> Result<Vec<u8>, FetchError> {
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Unreachable(format!("the server answers {}", answer.status().as_u16())));
    }
    let mut body = answer.into_body();
    if let Some(told) = body.size_hint().exact() {
        check_told(told, place.bytes_max, announced)?;
    }
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_error| FetchError::Unreachable("the answer broke off".to_owned()))?;
        let Ok(part) = frame.into_data() else { continue };
        bytes.extend_from_slice(&part);
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > place.bytes_max {
            return Err(FetchError::TooLong { bytes_max: place.bytes_max });
        }
    }
    Ok(bytes)
}
