//! Handshakes over TCP, with certificates made for each test: who is let in, who is not, and what changes of the files
//! do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causeway_tls::authority::{Authority, Pair, Valid};
use causeway_tls::{
    Acceptor, Certificate, ClientTlsSettings, ConnectError, Connector, ExpiryState, HandshakeError, Reload, TlsError,
    TlsSettings, expiries,
};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Certificates are verified by the clock of the machine.
#[expect(
    clippy::disallowed_methods,
    reason = "rustls asks the machine's clock, so the certificates must be of its time"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A folder with an authority and what it signed.
struct World {
    folder: TempDir,
    authority: Authority,
}

impl World {
    fn new() -> Self {
        let this = Self { folder: tempfile::tempdir().expect("a folder"), authority: Authority::new().expect("a key") };
        this.write("ca", &this.authority.pair(now()).expect("signed"));
        this.write("server", &this.authority.server(&["127.0.0.1", "localhost"], this.valid()).expect("signed"));
        this.write("lis", &this.authority.client("LIS", &["lis.qmh.example"], this.valid()).expect("signed"));
        this
    }

    fn valid(&self) -> Valid {
        Valid::for_(now(), DAY * 90)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, pair: &Pair) {
        std::fs::write(self.path(&format!("{name}.pem")), &pair.certificate).expect("written");
        std::fs::write(self.path(&format!("{name}.key")), &pair.key).expect("written");
    }

    fn settings(&self) -> TlsSettings {
        let settings = TlsSettings::new("server.pem".into(), "server.key".into(), Some("ca.pem".into()));
        settings.below(self.folder.path())
    }

    fn acceptor(&self) -> Arc<Acceptor> {
        Arc::new(Acceptor::open(self.settings()).expect("the files are well"))
    }

    /// A client with the certificate of this name, or none.
    fn connector(&self, name: Option<&str>) -> Connector {
        let file = |ending: &str| name.map(|name| self.path(&format!("{name}.{ending}")));
        let settings = ClientTlsSettings { ca: self.path("ca.pem"), certificate: file("pem"), key: file("key") };
        Connector::open(&settings).expect("the files are well")
    }
}

/// Both ends of one handshake. The server's end echoes one byte.
async fn shake(
    acceptor: &Arc<Acceptor>,
    connector: &Connector,
    host: &str,
) -> (Result<Option<Arc<Certificate>>, HandshakeError>, Result<bool, ConnectError>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let server = {
        let acceptor = Arc::clone(acceptor);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("accepted");
            let mut session = acceptor.accept(stream).await?;
            let mut byte = [0];
            if session.stream.read_exact(&mut byte).await.is_ok() {
                session.stream.write_all(&byte).await.expect("written");
                session.stream.shutdown().await.expect("shut");
            }
            Ok(session.client)
        })
    };
    let stream = TcpStream::connect(address).await.expect("connected");
    let client = match connector.connect(host, stream).await {
        Ok(mut stream) => {
            let mut byte = [0];
            let sent = stream.write_all(b"x").await.is_ok() && stream.flush().await.is_ok();
            Ok(sent && stream.read_exact(&mut byte).await.is_ok() && byte == *b"x")
        }
        Err(error) => Err(error),
    };
    (server.await.expect("no panic"), client)
}

#[tokio::test]
async fn a_client_of_the_authority_is_let_in_and_known_by_its_names() {
    let world = World::new();
    let (server, client) = shake(&world.acceptor(), &world.connector(Some("lis")), "localhost").await;
    assert_eq!(client, Ok(true));
    let known = server.expect("let in").expect("a certificate");
    assert_eq!((known.name(), known.dns_names.as_slice()), ("LIS", ["lis.qmh.example".to_owned()].as_slice()));
    let fits = |text: &str| text.parse::<causeway_tls::ClientPattern>().expect("a pattern").fits(&known);
    assert!(fits("cn:LIS") && fits("dns:LIS.qmh.example") && fits(&format!("sha256:{}", known.sha256)));
    assert!(!fits("cn:RIS") && !fits("dns:qmh.example") && !fits(&format!("sha256:{}", "0".repeat(64))));
    assert_eq!(known.sha256.len(), 64);
}

#[tokio::test]
async fn a_client_without_certificate_is_let_in_only_where_none_is_required() {
    let world = World::new();
    let (server, client) = shake(&world.acceptor(), &world.connector(None), "localhost").await;
    assert_eq!(server, Err(HandshakeError::NoCertificate));
    assert_ne!(client, Ok(true));
    let lax = TlsSettings { require_client: false, ..world.settings() };
    let lax = Arc::new(Acceptor::open(lax).expect("well"));
    assert_eq!(shake(&lax, &world.connector(None), "localhost").await, (Ok(None), Ok(true)));
    let (server, _) = shake(&lax, &world.connector(Some("lis")), "localhost").await;
    assert!(server.expect("let in").is_some(), "one that has a certificate is still known by it");
}

#[tokio::test]
async fn a_certificate_that_is_expired_early_foreign_revoked_or_for_servers_is_not_taken() {
    let world = World::new();
    let (past, now, future) = (now() - DAY * 3, now(), now() + DAY * 3);
    let issue = |name: &str, from, until| {
        world.write(name, &world.authority.client(name, &[], Valid { from, until }).expect("signed"));
    };
    issue("late", past, now - DAY);
    issue("early", now + DAY, future);
    world.write("server-as-client", &world.authority.server(&["x.example"], world.valid()).expect("signed"));
    let other = Authority::new().expect("a key");
    world.write("foreign", &other.client("LIS", &[], world.valid()).expect("signed"));
    let acceptor = world.acceptor();
    for (name, why) in [
        ("late", "it has expired"),
        ("early", "it is not valid yet"),
        ("foreign", "its authority is not trusted"),
        ("server-as-client", "it is for another purpose"),
    ] {
        let (server, client) = shake(&acceptor, &world.connector(Some(name)), "localhost").await;
        match server {
            Err(HandshakeError::Certificate(told)) => assert_eq!(told, why, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_ne!(client, Ok(true), "{name}");
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_not_taken_and_one_that_is_not_listed_is() {
    let world = World::new();
    world.write("ris", &world.authority.client("RIS", &[], world.valid()).expect("signed"));
    let lis = std::fs::read_to_string(world.path("lis.pem")).expect("readable");
    std::fs::write(world.path("revoked.pem"), world.authority.revoke(&[&lis], world.valid()).expect("a list"))
        .expect("written");
    let settings = TlsSettings { revoked: Some(world.path("revoked.pem")), ..world.settings() };
    let acceptor = Arc::new(Acceptor::open(settings).expect("well"));
    let (server, _) = shake(&acceptor, &world.connector(Some("lis")), "localhost").await;
    assert_eq!(server, Err(HandshakeError::Certificate("it is revoked")));
    assert!(shake(&acceptor, &world.connector(Some("ris")), "localhost").await.0.is_ok());
    let old = Valid { from: now() - DAY * 3, until: now() - DAY };
    std::fs::write(world.path("revoked.pem"), world.authority.revoke(&[], old).expect("a list")).expect("written");
    let (server, _) = shake(&acceptor, &world.connector(Some("ris")), "localhost").await;
    assert_eq!(server, Err(HandshakeError::Certificate("the revocation list is out of date")));
}

#[tokio::test]
async fn a_server_is_refused_by_clients_that_do_not_trust_it_or_want_another_name() {
    let world = World::new();
    let (_, client) = shake(&world.acceptor(), &world.connector(Some("lis")), "elsewhere.example").await;
    assert_eq!(client, Err(ConnectError::Handshake(HandshakeError::Certificate("it is for another name"))));
    let (_, client) = shake(&world.acceptor(), &world.connector(Some("lis")), "no name").await;
    assert!(matches!(client, Err(ConnectError::Name(_))), "{client:?}");
}

#[tokio::test]
async fn plain_text_is_told_from_silence() {
    let world = World::new();
    let settings = TlsSettings { handshake_timeout: Duration::from_millis(60), ..world.settings() };
    let acceptor = Arc::new(Acceptor::open(settings).expect("well"));
    let knock = async |bytes: &'static [u8]| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let mut peer = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        peer.write_all(bytes).await.expect("written");
        let (stream, _) = listener.accept().await.expect("accepted");
        let refused = acceptor.accept(stream).await.map(drop).expect_err("refused");
        drop(peer);
        refused
    };
    assert_eq!(knock(b"\x0bMSH|^~\\&|LIS|QMH\r\x1c\r").await, HandshakeError::NotTls);
    assert_eq!(knock(b"GET / HTTP/1.1\r\n\r\n").await, HandshakeError::NotTls);
    assert_eq!(knock(b"").await, HandshakeError::TimedOut(Duration::from_millis(60)));
}

#[tokio::test]
async fn changed_files_serve_the_next_connection_and_disturb_no_other() {
    let world = World::new();
    let acceptor = world.acceptor();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let dialled = tokio::spawn({
        let connector = world.connector(Some("lis"));
        async move { connector.connect("localhost", TcpStream::connect(address).await.expect("connected")).await }
    });
    let (stream, _) = listener.accept().await.expect("accepted");
    let mut old = acceptor.accept(stream).await.expect("let in").stream;
    let mut client = dialled.await.expect("no panic").expect("connected");
    assert_eq!(acceptor.reload(), Reload::Unchanged);

    // Another authority signs both sides from here on.
    let next = World::new();
    for name in ["server.pem", "server.key", "ca.pem"] {
        std::fs::copy(next.path(name), world.path(name)).expect("copied");
    }
    assert!(shake(&acceptor, &next.connector(Some("lis")), "localhost").await.0.is_ok(), "the new client is let in");
    assert!(shake(&acceptor, &world.connector(Some("lis")), "localhost").await.0.is_err(), "the old one no longer");
    client.write_all(b"still here").await.expect("written");
    client.flush().await.expect("flushed");
    let mut heard = [0; 10];
    old.read_exact(&mut heard).await.expect("the old connection goes on");
    assert_eq!(&heard, b"still here");
}

#[tokio::test]
async fn files_that_cannot_be_used_leave_the_former_ones_in_use_until_they_are_mended() {
    let world = World::new();
    let acceptor = world.acceptor();
    let other = world.authority.server(&["localhost"], world.valid()).expect("signed");
    std::fs::write(world.path("server.pem"), &other.certificate).expect("written");
    assert!(matches!(acceptor.reload(), Reload::Failed(TlsError::Pair { .. })), "the key is that of the former one");
    assert!(shake(&acceptor, &world.connector(Some("lis")), "127.0.0.1").await.0.is_ok());
    std::fs::write(world.path("server.key"), &other.key).expect("written");
    assert_eq!(acceptor.reload(), Reload::Changed);
    assert_eq!(shake(&acceptor, &world.connector(Some("lis")), "localhost").await.1, Ok(true));
    std::fs::remove_file(world.path("ca.pem")).expect("removed");
    assert!(matches!(acceptor.reload(), Reload::Failed(TlsError::File { .. })));
    assert_eq!(acceptor.reload(), Reload::Unchanged, "told once");
}

#[test]
fn files_that_are_missing_empty_or_something_else_are_told_by_name() {
    let world = World::new();
    let why = |settings: TlsSettings| match Acceptor::open(settings) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("taken"),
    };
    let with = |change: &dyn Fn(&mut TlsSettings)| {
        let mut settings = world.settings();
        change(&mut settings);
        why(settings)
    };
    assert!(with(&|s| s.certificate = world.path("gone.pem")).contains("gone.pem"));
    assert!(with(&|s| s.certificate = world.path("server.key")).contains("holds no certificate"));
    assert!(with(&|s| s.key = world.path("server.pem")).contains("no private key"));
    assert!(with(&|s| s.key = world.path("lis.key")).contains("server.pem"));
    assert!(with(&|s| s.revoked = Some(world.path("server.pem"))).contains("no revocation list"));
}

#[test]
fn the_end_of_a_certificate_is_seen_coming() {
    let world = World::new();
    let expiries = expiries(&world.settings()).expect("readable");
    let named: Vec<_> = expiries.iter().map(|expiry| (expiry.setting, expiry.name.as_str())).collect();
    assert_eq!(named, [("certificate", "127.0.0.1"), ("client_ca", "Causeway development CA")]);
    let server = &expiries[0];
    let state = |before: SignedDuration| server.state(server.not_after - before, Duration::from_hours(30 * 24));
    assert_eq!(state(DAY * 31), ExpiryState::Well);
    assert_eq!(state(DAY * 30), ExpiryState::Near);
    assert_eq!(state(SignedDuration::ZERO), ExpiryState::Expired);
    assert_eq!(state(-DAY), ExpiryState::Expired);
}

#[test]
fn an_authority_is_the_same_one_when_its_key_is_read_back() {
    let world = World::new();
    let key = std::fs::read_to_string(world.path("ca.key")).expect("readable");
    let again = Authority::with_key(&key).expect("a key");
    world.write("later", &again.client("LATER", &[], world.valid()).expect("signed"));
    assert!(Path::new(&world.path("later.pem")).exists());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (server, _) =
        runtime.block_on(async { shake(&world.acceptor(), &world.connector(Some("later")), "localhost").await });
    assert_eq!(server.expect("let in").expect("a certificate").name(), "LATER");
}
