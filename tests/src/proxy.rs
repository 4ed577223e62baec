//! A bad network between the load generator and the hub: bytes come singly, connections break in the middle of a message
//! or after it, and answers get lost. What happens to a connection follows from the seed.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It is closed after so many answers.
    Short(u64),
    /// The same, and every byte comes by itself, both ways.
    Slices(u64),
    /// It breaks after so many bytes of the sender's.
    CutRequest(u64),
    /// It breaks when the answer to this message, counted from 1, comes back: the sender never gets it.
    CutAnswer(u64),
    /// Something that is no message comes first: the hub closes it.
    Garbage,
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
    mishaps: Arc<AtomicU64>,
}

impl Proxy {
    /// Listens on a free port and passes on to `to`.
    pub fn start(to: SocketAddr, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (stop, mishaps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = thread::spawn({
            let (stop, mishaps) = (Arc::clone(&stop), Arc::clone(&mishaps));
            move || {
                for (number, client) in (0_u64..).zip(listener.incoming()) {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(client) = client else { continue };
                    let mishap = mishap(seed, number);
                    mishaps.fetch_add(1, Ordering::SeqCst);
                    // A connection that cannot be passed on is one more that breaks.
                    drop(carry(client, to, mishap));
                }
            }
        });
        Ok(Self { address, stop, listener: Some(thread), mishaps })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections there were; each ended by a mishap.
    pub fn mishaps(&self) -> u64 {
        self.mishaps.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener; whether that works is seen by the join.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

/// What happens to the connection of this number.
pub fn mishap(seed: u64, number: u64) -> Mishap {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    match z % 8 {
        0 => Mishap::Short(1 + (z >> 8) % 12),
        1 | 2 => Mishap::Slices(1 + (z >> 8) % 12),
        3 | 4 => Mishap::CutRequest(1 + (z >> 8) % 1500),
        5 | 6 => Mishap::CutAnswer(1 + (z >> 8) % 4),
        _ => Mishap::Garbage,
    }
}

/// Passes a connection on, both ways, on two threads that end with it.
fn carry(client: TcpStream, to: SocketAddr, mishap: Mishap) -> io::Result<()> {
    let hub = TcpStream::connect_timeout(&to, Duration::from_secs(2))?;
    for stream in [&client, &hub] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    }
    let (from_client, to_hub) = (client.try_clone()?, hub.try_clone()?);
    thread::spawn(move || {
        let end = requests(&from_client, &to_hub, mishap);
        close(&from_client, &to_hub, end.is_err());
    });
    thread::spawn(move || {
        let end = answers(&hub, &client, mishap);
        close(&hub, &client, end.is_err());
    });
    Ok(())
}

/// Ends a direction: gently, or both ways at once.
fn close(from: &TcpStream, to: &TcpStream, broken: bool) {
    // Either may be gone already.
    drop(to.shutdown(if broken { Shutdown::Both } else { Shutdown::Write }));
    if broken {
        drop(from.shutdown(Shutdown::Both));
    }
}

fn requests(mut from: &TcpStream, mut to: &TcpStream, mishap: Mishap) -> io::Result<()> {
    let mut chunk = [0_u8; 4096];
    let mut left = match mishap {
        Mishap::CutRequest(bytes) => bytes,
        Mishap::Short(_) | Mishap::Slices(_) | Mishap::CutAnswer(_) | Mishap::Garbage => u64::MAX,
    };
    if mishap == Mishap::Garbage {
        // What a port scanner or another protocol sends: the hub closes, and the sender dials again.
        to.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
    }
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        let passed = usize::try_from(left).map_or(read, |left| left.min(read));
        let bytes = chunk.get(..passed).unwrap_or_default();
        pass(bytes, &mut to, mishap)?;
        left = left.saturating_sub(u64::try_from(passed).unwrap_or(u64::MAX));
        if left == 0 {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
}

fn answers(mut from: &TcpStream, mut to: &TcpStream, mishap: Mishap) -> io::Result<()> {
    let mut chunk = [0_u8; 4096];
    let mut ends = 0;
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        let bytes = chunk.get(..read).unwrap_or_default();
        ends += bytes.iter().filter(|byte| **byte == 0x1c).count() as u64;
        if let Mishap::CutAnswer(number) = mishap
            && ends >= number
        {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        pass(bytes, &mut to, mishap)?;
        if let Mishap::Short(number) | Mishap::Slices(number) = mishap
            && ends >= number
        {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
}

fn pass(bytes: &[u8], to: &mut &TcpStream, mishap: Mishap) -> io::Result<()> {
    match mishap {
        Mishap::Slices(_) => bytes.iter().try_for_each(|byte| to.write_all(&[*byte])),
        Mishap::Short(_) | Mishap::CutRequest(_) | Mishap::CutAnswer(_) | Mishap::Garbage => to.write_all(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mishap_happens() {
        let seen: Vec<_> = (0..64).map(|number| std::mem::discriminant(&mishap(1, number))).collect();
        let kinds = [Mishap::Short(1), Mishap::Slices(1), Mishap::CutRequest(1), Mishap::CutAnswer(1), Mishap::Garbage];
        assert!(kinds.iter().all(|kind| seen.contains(&std::mem::discriminant(kind))));
    }
}
