//! Follows the pointers of reports: over HTTP or HTTPS, or from a folder of this machine.
//!
//! A pointer was written by a sender, so what it leads to is decided by the place an operator listed, and by nothing
//! else: where to connect, which addresses the host may have, how many bytes and how much time. Names are resolved once and
//! the connection is made to an address that was looked at, so that a name cannot change between the look and the
//! connection. No proxy, no cookie, no credential, no compression.

mod address;
mod folder;
mod http;

use std::time::Duration;

use causeway_core::fetch::{FetchPlace, Source};
use causeway_core::phi::Phi;
use causeway_core::port::{Fetch, FetchError};
use tokio::runtime::{Builder, Runtime};

/// The fetcher. Many may be asked at once, each call on a thread of its own.
pub struct Fetcher {
    runtime: Runtime,
    stopping: Box<dyn Fn() -> bool + Send + Sync>,
}

/// How often a try looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Fetcher {
    /// A fetcher with a thread for its sockets. Once `stopping` says so, tries end at once and count as failed.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(stopping: impl Fn() -> bool + Send + Sync + 'static) -> std::io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("causeway-fetch").enable_all().build()?;
        Ok(Self { runtime, stopping: Box::new(stopping) })
    }

    async fn stopped(&self) {
        while !(self.stopping)() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetch for Fetcher {
    fn fetch(&self, place: &FetchPlace, pointer: &Phi<String>, announced: Option<u64>) -> Result<Vec<u8>, FetchError> {
        let Some(rest) = place.rest(pointer.expose()) else {
            return Err(FetchError::Forbidden("the pointer does not lie in the place".to_owned()));
        };
        if announced.is_some_and(|bytes| bytes > place.bytes_max) {
            return Err(FetchError::TooLong { bytes_max: place.bytes_max });
        }
        let work = async {
            match &place.source {
                Source::Http(base) => http::get(place, base, rest, announced).await,
                Source::Folder(folder) => {
                    folder::read(folder.clone(), rest.to_owned(), place.bytes_max, announced).await
                }
            }
        };
        let bytes = self.runtime.block_on(async {
            tokio::select! {
                done = within(place.timeout, work) => done,
                () = self.stopped() => Err(FetchError::Unreachable("the hub stops".to_owned())),
            }
        })?;
        check_size(&bytes, announced)?;
        Ok(bytes)
    }
}

async fn within<T>(timeout: Duration, work: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
    let over = |_elapsed| FetchError::Unreachable("it took longer than the place allows".to_owned());
    tokio::time::timeout(timeout, work).await.map_err(over)?
}

fn check_size(bytes: &[u8], announced: Option<u64>) -> Result<(), FetchError> {
    let came = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    match announced {
        Some(announced) if announced != came => Err(FetchError::Size { announced, came }),
        Some(_) | None => Ok(()),
    }
}

/// What a source may still give: the announced size when the source says its own, to tell both without reading it all.
fn check_told(told: u64, place_max: u64, announced: Option<u64>) -> Result<(), FetchError> {
    match announced {
        Some(announced) if announced != told => Err(FetchError::Size { announced, came: told }),
        Some(_) | None if told > place_max => Err(FetchError::TooLong { bytes_max: place_max }),
        Some(_) | None => Ok(()),
    }
}
