//! A socket that gives up on a peer who does not read: hyper sets deadlines for reading, none for writing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// A stream whose writes fail once no byte could be written for `write_timeout`.
#[derive(Debug)]
pub(super) struct Impatient<S = TcpStream> {
    stream: S,
    write_timeout: Duration,
    /// Runs while a write waits for room.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    /// Wraps a stream.
    pub(super) const fn new(stream: S, write_timeout: Duration) -> Self {
        Self { stream, write_timeout, stalled: None }
    }

    /// Passes on what a write gave; when it has to wait, starts or polls the deadline.
    fn within<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let write_timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(write_timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.within(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.within(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.within(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.within(shut, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_who_does_not_read_is_given_up() {
        let (near, _far) = duplex(16);
        let mut near = Impatient::new(near, Duration::from_secs(30));
        let written = tokio::time::timeout(Duration::from_secs(300), near.write_all(&[0; 64])).await;
        let error = written.expect("in time").expect_err("the pipe takes 16 bytes and nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_who_goes_on_reading_is_served() {
        let (near, mut far) = duplex(16);
        let mut near = Impatient::new(near, Duration::from_secs(30));
        let reader = async {
            let mut read = 0;
            while read < 64 {
                sleep(Duration::from_secs(20)).await;
                read += far.read(&mut [0; 16]).await.expect("read");
            }
            read
        };
        let (written, read) = tokio::join!(near.write_all(&[0; 64]), reader);
        assert!(written.is_ok());
        assert_eq!(read, 64);
    }
}
