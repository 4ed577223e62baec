//! Bytes from and to a peer, each step with its patience.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::{Instant, timeout, timeout_at};

use crate::pdu::{HEAD, VALUE_HEAD};

/// Read ahead so much: heads are small and many. What is read for more than that goes past this buffer.
const READ_AHEAD: usize = 8 << 10;
/// What is said before a close is waited for so long to be heard.
const LINGER: Duration = Duration::from_secs(2);
/// Room is made in steps of so many bytes: nothing is made ready by a declared length.
const STEP: usize = 16 << 10;

/// Why bytes did not come, or did not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireFault {
    /// The peer closed, or the network did.
    Closed,
    /// It took too long.
    TimedOut,
}

/// The head of a unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitHead {
    pub(crate) kind: u8,
    pub(crate) bytes: u32,
}

/// The head of a presentation data value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueHead {
    /// Bytes of what follows the length: context, control and data.
    pub(crate) bytes: u32,
    pub(crate) context: u8,
    pub(crate) is_command: bool,
    pub(crate) is_last: bool,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: BufReader<S>,
    write_patience: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S, write_patience: Duration) -> Self {
        Self { stream: BufReader::with_capacity(READ_AHEAD, stream), write_patience }
    }

    /// Waits for the first byte of a unit, and takes none: it may be given up at any time.
    pub(crate) async fn ready(&mut self, until: Instant) -> Result<(), WireFault> {
        match timeout_at(until, self.stream.fill_buf()).await {
            Ok(Ok(bytes)) if !bytes.is_empty() => Ok(()),
            Ok(Ok(_) | Err(_)) => Err(WireFault::Closed),
            Err(_elapsed) => Err(WireFault::TimedOut),
        }
    }

    pub(crate) async fn unit(&mut self, until: Instant) -> Result<UnitHead, WireFault> {
        let mut head = [0; HEAD];
        in_time(until, self.stream.read_exact(&mut head)).await?;
        let [kind, _, a, b, c, d] = head;
        Ok(UnitHead { kind, bytes: u32::from_be_bytes([a, b, c, d]) })
    }

    pub(crate) async fn value(&mut self, until: Instant) -> Result<ValueHead, WireFault> {
        let mut head = [0; VALUE_HEAD];
        in_time(until, self.stream.read_exact(&mut head)).await?;
        let [a, b, c, d, context, control] = head;
        let bytes = u32::from_be_bytes([a, b, c, d]);
        Ok(ValueHead { bytes, context, is_command: control & 1 == 1, is_last: control & 2 == 2 })
    }

    /// Reads so many bytes to the end of `into`, as many at once as have come and it has room for: a place that is large enough
    /// is filled by the system itself.
    pub(crate) async fn append(&mut self, into: &mut Vec<u8>, bytes: usize, until: Instant) -> Result<(), WireFault> {
        let mut left = bytes;
        while left > 0 {
            if into.len() == into.capacity() {
                into.reserve(left.min(STEP));
            }
            // Beyond what there is room for it would make room by itself.
            let room = left.min(into.capacity().saturating_sub(into.len()));
            let mut rest = (&mut self.stream).take(u64::try_from(room).unwrap_or(u64::MAX));
            match in_time(until, rest.read_buf(into)).await? {
                0 => return Err(WireFault::Closed),
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    }

    /// Writes in one go: small writes would wait for each other's receipt.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), WireFault> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timed(timeout(self.write_patience, written).await)
    }

    /// Closes so that what was written last arrives: a close with bytes unread would take it back.
    pub(crate) async fn close(mut self) {
        let close = async {
            if self.stream.shutdown().await.is_err() {
                return;
            }
            let mut rest = [0; 4096];
            while matches!(self.stream.read(&mut rest).await, Ok(read) if read > 0) {}
        };
        // Not heard in time is as good as heard: there is nobody left to tell.
        drop(timeout(LINGER, close).await);
    }
}

/// What comes before a moment. After it, bytes that are there are too late as well: a timeout by itself would take them, and a
/// sender who always has some ready would be read for ever.
async fn in_time<T>(until: Instant, reading: impl Future<Output = std::io::Result<T>>) -> Result<T, WireFault> {
    if Instant::now() >= until {
        return Err(WireFault::TimedOut);
    }
    timed(timeout_at(until, reading).await)
}

fn timed<T>(done: Result<std::io::Result<T>, tokio::time::error::Elapsed>) -> Result<T, WireFault> {
    match done {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_broken)) => Err(WireFault::Closed),
        Err(_elapsed) => Err(WireFault::TimedOut),
    }
}
