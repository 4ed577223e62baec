//! What the doors by HTTP read of a request: its token, and its body as it comes.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use futures_util::stream::StreamExt as _;

/// The bearer token of a request.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A body as it comes, with a deadline for silence.
pub(super) struct Reading {
    body: BodyDataStream,
    patience: Duration,
}

/// What comes next of it.
pub(super) enum Next {
    /// Some bytes.
    Bytes(Bytes),
    /// Nothing: that was all.
    End,
    /// Nothing: it broke.
    Broken,
    /// Nothing came for too long.
    Silent,
}

impl Reading {
    pub(super) fn new(body: Body, patience: Duration) -> Self {
        Self { body: body.into_data_stream(), patience }
    }

    pub(super) async fn next(&mut self) -> Next {
        match tokio::time::timeout(self.patience, self.body.next()).await {
            Ok(Some(Ok(bytes))) => Next::Bytes(bytes),
            Ok(None) => Next::End,
            Ok(Some(Err(_broken))) => Next::Broken,
            Err(_elapsed) => Next::Silent,
        }
    }

    /// Lets a sender finish what it is writing, within bounds: it reads the answer only then, and would lose it when the
    /// connection were closed before.
    pub(super) async fn linger(mut self, bytes_max: usize, time_max: Duration) {
        let reading = async {
            let mut read = 0_usize;
            while read < bytes_max {
                let Next::Bytes(bytes) = self.next().await else { break };
                read = read.saturating_add(bytes.len());
            }
        };
        drop(tokio::time::timeout(time_max, reading).await);
    }
}
