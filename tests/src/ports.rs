//! Loopback ports that are one test's own, before and between the times something listens on them.
//!
//! A port asked of the system and let go again may be another's before a hub listens on it, and while a hub is stopped to
//! be started again: the system gives it to the next client, or to the next test that asks. So ports come from below those
//! the system gives by itself, and a lock says to the other tests of this machine that one is taken.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};

/// Below the ports of clients (Linux gives 32768 to 60999 where nothing else is set) and those of `ops/dev` (from 20000).
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;

/// Held while this process lives.
static TAKEN: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// An address on loopback that nobody listens on, and that no other test is given while this process lives.
pub fn reserve() -> io::Result<SocketAddr> {
    // Each user's own: a folder of another's cannot be written to.
    let locks = std::env::temp_dir().join(format!("causeway-test-ports-{}", std::fs::metadata("/proc/self")?.uid()));
    std::fs::create_dir_all(&locks)?;
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Processes look from different places on: most find one at once.
    let start = std::process::id().wrapping_mul(61);
    for step in 0..COUNT {
        let Ok(offset) = u16::try_from(start.wrapping_add(u32::from(step)) % u32::from(COUNT)) else { continue };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST.saturating_add(offset)));
        let lock = File::create(locks.join(address.port().to_string()))?;
        if lock.try_lock().is_ok() && TcpListener::bind(address).is_ok() {
            taken.push(lock);
            return Ok(address);
        }
    }
    Err(io::Error::other("every port for tests is taken"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_port_is_given_once_while_nobody_listens_on_it_too() {
        let given: BTreeSet<SocketAddr> = (0..50).map(|_| reserve().expect("a port")).collect();
        assert_eq!(given.len(), 50);
        assert!(given.iter().all(|address| TcpListener::bind(address).is_ok()), "nobody listens there");
    }
}
