//! A way to a server on which the hub is killed at a moment chosen to the byte: when the answer to a certain request is
//! there, and before whoever asked hears of it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A connection on which nothing comes for so long is closed.
const IDLE: Duration = Duration::from_secs(120);

/// Whether the bytes of a request, as they come, are of the one that is waited for.
pub type Wanted = fn(&[u8]) -> bool;

/// A running tap.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    wanted: Wanted,
    /// The process to kill.
    victim: Arc<AtomicU32>,
    armed: AtomicBool,
    struck: AtomicU64,
    stop: AtomicBool,
}

impl Tap {
    /// Listens on a free port and passes on to `to`. `victim` is the process that is killed; it may change.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn start(to: SocketAddr, wanted: Wanted, victim: &Arc<AtomicU32>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to,
            wanted,
            victim: Arc::clone(victim),
            armed: AtomicBool::new(false),
            struck: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for client in listener.incoming() {
                    if shared.stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(client) = client else { continue };
                    // Whoever cannot be passed on sees its connection end.
                    drop(carry(client, &shared));
                }
            }
        });
        Ok(Self { address, listener: Some(thread), shared })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the next answer to a wanted request is the victim's last.
    pub fn arm(&self) {
        self.shared.armed.store(true, Ordering::SeqCst);
    }

    /// How often it struck.
    pub fn struck(&self) -> u64 {
        self.shared.struck.load(Ordering::SeqCst)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener; whether that works is seen by the join.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

/// Passes a connection on, both ways, on two threads that end with it.
fn carry(client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect_timeout(&shared.to, Duration::from_secs(2))?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(IDLE))?;
    }
    let asked = Arc::new(AtomicBool::new(false));
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn({
        let (asked, shared) = (Arc::clone(&asked), Arc::clone(shared));
        move || {
            let wanted = |bytes: &[u8]| {
                if (shared.wanted)(bytes) {
                    asked.store(true, Ordering::SeqCst);
                }
                true
            };
            pass(&from_client, &to_server, wanted);
        }
    });
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let answered = |_: &[u8]| {
            let strikes = asked.swap(false, Ordering::SeqCst) && shared.armed.swap(false, Ordering::SeqCst);
            if strikes {
                kill(shared.victim.load(Ordering::SeqCst));
                shared.struck.fetch_add(1, Ordering::SeqCst);
            }
            !strikes
        };
        pass(&server, &client, answered);
    });
    Ok(())
}

/// Passes bytes on until there are none, or `goes_on` says of some that they are not to be.
fn pass(mut from: &TcpStream, mut to: &TcpStream, goes_on: impl Fn(&[u8]) -> bool) {
    let mut chunk = vec![0_u8; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        let bytes = chunk.get(..read).unwrap_or_default();
        if !goes_on(bytes) || to.write_all(bytes).is_err() {
            break;
        }
    }
    // Either may be gone already.
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

/// `kill -9`; returns when the signal is sent, and nothing the process does later reaches anybody.
fn kill(pid: u32) {
    // A process that is gone cannot be killed again.
    drop(Command::new("kill").args(["-9", &pid.to_string()]).status());
}
