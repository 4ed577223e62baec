//! The answer to a `COMMIT` is lost on the way: whether the transaction is there is found out, and the batch is there
//! once. A proxy between the repository and the server loses it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use causeway_core::contract::repository::world::{accepted, add, at, clock, hospital, messages, result};
use causeway_core::contract::repository::{Store, Subject as _};
use causeway_core::disposition::Disposition;
use causeway_core::envelope::{Offset, PartitionId};
use causeway_core::person::PersonId;
use causeway_core::port::{AuditEntry, Committed, Fence, Lookup, Repository as _, RepositoryError};

use super::support::{Fresh, PostgresRepository, PostgresSettings, fresh, settings, url};

/// Lets everything through.
const THROUGH: u8 = 0;
/// Loses the next `COMMIT` itself, with its connection.
const LOSE_COMMIT: u8 = 1;
/// Carries the next `COMMIT` to the server, waits for the answer, and loses that with the connection.
const LOSE_ANSWER: u8 = 2;

/// A proxy on a port of its own.
struct Proxy {
    port: u16,
    next: Arc<AtomicU8>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (port, next) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicU8::new(THROUGH)));
        let shared = Arc::clone(&next);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(server()).expect("the server answers");
                let next = Arc::clone(&shared);
                let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
                let lost = Arc::new(AtomicU8::new(THROUGH));
                let told = Arc::clone(&lost);
                std::thread::spawn(move || forward(client, server, &next, &lost));
                std::thread::spawn(move || answer(back.0, back.1, &told));
            }
        });
        Self { port, next }
    }

    fn settings(&self, fresh: &Fresh) -> PostgresSettings {
        let parsed: postgres::Config = url().parse().expect("an url");
        let (user, database) = (parsed.get_user().expect("a user"), parsed.get_dbname().expect("a database"));
        let url = format!("postgresql://{user}@127.0.0.1:{}/{database}", self.port);
        PostgresSettings { url, ..fresh.settings.clone() }
    }
}

/// Host and port of the real server.
fn server() -> String {
    let parsed: postgres::Config = url().parse().expect("an url");
    let host = match parsed.get_hosts().first() {
        Some(postgres::config::Host::Tcp(host)) => host.clone(),
        Some(postgres::config::Host::Unix(_)) | None => "127.0.0.1".to_owned(),
    };
    format!("{host}:{}", parsed.get_ports().first().copied().unwrap_or(5432))
}

/// Carries what the client says. `lost` tells the way back to lose the next answer.
fn forward(mut client: TcpStream, mut server: TcpStream, next: &AtomicU8, lost: &AtomicU8) {
    let mut buffer = [0; 65536];
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        let said = &buffer[..read];
        if said.windows(7).any(|part| part == b"COMMIT\0") {
            match next.swap(THROUGH, Ordering::SeqCst) {
                LOSE_COMMIT => break,
                order => lost.store(order, Ordering::SeqCst),
            }
        }
        if server.write_all(said).is_err() {
            break;
        }
    }
    close(&client, &server);
}

/// Carries what the server answers.
fn answer(mut server: TcpStream, mut client: TcpStream, lost: &AtomicU8) {
    let mut buffer = [0; 65536];
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        if lost.load(Ordering::SeqCst) == LOSE_ANSWER || client.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    close(&client, &server);
}

fn close(client: &TcpStream, server: &TcpStream) {
    for stream in [client, server] {
        // It may be closed already.
        let _closed = stream.shutdown(Shutdown::Both);
    }
}

fn commit(repository: &PostgresRepository, person: PersonId, calls: &mut u32) -> Result<Committed, RepositoryError> {
    let provider = hospital();
    let lookups = [Lookup { provider: &provider, identity: None, message: None }];
    let fence = Fence { partition: PartitionId(0), expect: Offset(0), next: Offset(1) };
    repository.commit(fence, &lookups, at(1), &mut |_| {
        *calls += 1;
        Ok(vec![accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")])])
    })
}

fn lose(order: u8) -> u32 {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    let proxy = Proxy::start();
    let repository = PostgresRepository::open(proxy.settings(&fresh)).expect("opens");
    proxy.next.store(order, Ordering::SeqCst);
    let mut calls = 0;
    let committed = commit(&repository, person, &mut calls).expect("committed");
    assert_eq!(proxy.next.load(Ordering::SeqCst), THROUGH, "nothing was lost");
    assert_eq!(committed.outcomes.first().map(|(_, effects)| effects.created), Some(1));
    assert_eq!(messages(&store).len(), 1);
    assert_eq!(store.repository.next_offset(PartitionId(0)).expect("an offset"), Offset(1));
    let report = store.repository.verify_audit().expect("checked");
    assert_eq!((report.lines, report.first_bad), (2, None));
    calls
}

#[test]
fn a_batch_whose_commit_got_lost_is_done_again() {
    assert_eq!(lose(LOSE_COMMIT), 2);
}

#[test]
fn a_batch_whose_answer_got_lost_is_found_to_be_there() {
    // Tried once more behind the same fence, which does not hold: the plan is not even asked for again.
    assert_eq!(lose(LOSE_ANSWER), 1);
}

/// Where no offset can tell, nobody pretends to know.
#[test]
fn an_audit_line_whose_answer_got_lost_is_said_to_be_in_doubt() {
    let fresh = fresh(settings());
    let proxy = Proxy::start();
    let repository = PostgresRepository::open(proxy.settings(&fresh)).expect("opens");
    proxy.next.store(LOSE_ANSWER, Ordering::SeqCst);
    let entry = AuditEntry {
        at: at(1),
        actor: causeway_core::contract::repository::world::operator(),
        action: "note".to_owned(),
        person: None,
        detail: std::collections::BTreeMap::new(),
    };
    let error = repository.audit(&entry).expect_err("in doubt");
    assert!(matches!(error, RepositoryError::Sync { .. }), "{error}");
    assert_eq!(error.disposition(), Disposition::Halt);
}
