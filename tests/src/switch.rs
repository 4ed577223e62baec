//! A way to a server that can be cut and mended: to whoever goes by it the server is gone, and is back.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// A running switch.
#[derive(Debug)]
pub struct Switch {
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_cut: bool,
    stop: bool,
    /// Both ends of what is open, or was.
    open: Vec<TcpStream>,
}

impl Switch {
    /// Listens on a free port and passes on to `to`.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn start(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state: Arc<Mutex<State>> = Arc::default();
        let thread = thread::spawn({
            let state = Arc::clone(&state);
            move || {
                for client in listener.incoming() {
                    if lock(&state).stop {
                        return;
                    }
                    let Ok(client) = client else { continue };
                    // Whoever cannot be passed on sees its connection end.
                    drop(carry(client, to, &state));
                }
            }
        });
        Ok(Self { address, listener: Some(thread), state })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        let mut state = lock(&self.state);
        state.is_cut = true;
        for stream in state.open.drain(..) {
            // It may have ended by itself.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Passes on again.
    pub fn mend(&self) {
        lock(&self.state).is_cut = false;
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.cut();
        lock(&self.state).stop = true;
        // Wakes the listener; whether that works is seen by the join.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

fn carry(client: TcpStream, to: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let mut state = lock(state);
    if state.is_cut {
        return Ok(());
    }
    let server = TcpStream::connect(to)?;
    state.open.extend([client.try_clone()?, server.try_clone()?]);
    drop(state);
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || pass(&from_client, &to_server));
    thread::spawn(move || pass(&server, &client));
    Ok(())
}

/// Passes bytes on until there are none.
fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let mut chunk = vec![0_u8; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        if to.write_all(chunk.get(..read).unwrap_or_default()).is_err() {
            break;
        }
    }
    // Either may be gone already.
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
