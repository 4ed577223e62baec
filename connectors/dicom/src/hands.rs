//! A thread for each association. It reads, digests, writes and waits for the disk by itself: bytes that go from thread to thread
//! cost a wake-up each time, and on a machine with few processors the second thread waits for its turn behind the sender.
//!
//! The conversation is asynchronous, with a runtime of its own on that thread; what may block is done between its polls, outside
//! of the runtime, where engines with a runtime of their own may wait for it.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::Builder;

use tokio::runtime;
use tokio::sync::oneshot;
use tracing::{error, warn};

type Job = Box<dyn FnOnce() + Send>;

/// What a conversation gives its thread to do.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<Mutex<Option<Job>>>);

impl std::fmt::Debug for Hands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hands").finish_non_exhaustive()
    }
}

/// The work broke: a panic, which is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work broke")]
pub(crate) struct Broken;

impl Hands {
    /// Has the thread do this, which may block. One thing at a time: nothing else of the conversation goes on meanwhile.
    pub(crate) async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Broken> {
        let (done, result) = oneshot::channel();
        // Nobody asks any more when the conversation was cut.
        self.put(Some(Box::new(move || drop(done.send(job())))));
        result.await.map_err(|_gone| Broken)
    }

    fn put(&self, job: Option<Job>) -> Option<Job> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), job)
    }
}

/// A conversation that is held by a thread of its own. Dropped before it is over, it is cut.
#[derive(Debug)]
pub(crate) struct Conversation {
    over: oneshot::Receiver<()>,
    _hold: oneshot::Sender<()>,
}

impl Conversation {
    /// Waits for its end.
    pub(crate) async fn over(self) {
        // Nothing is sent: the end of the thread is the answer.
        drop(self.over.await);
    }
}

/// Starts a thread that holds a conversation.
///
/// # Errors
/// The system gives no more threads.
pub(crate) fn begin<F: Future<Output = ()>>(
    name: &str,
    conversation: impl FnOnce(Hands) -> F + Send + 'static,
) -> io::Result<Conversation> {
    let (ends, over) = oneshot::channel::<()>();
    let (hold, cut) = oneshot::channel::<()>();
    Builder::new().name(name.to_owned()).spawn(move || {
        let _ends = ends;
        let begun = converse(|hands| async move {
            tokio::select! {
                () = conversation(hands) => {}
                _ = cut => {}
            }
        });
        if let Err(error) = begun {
            warn!(%error, "a connection is closed: its thread has no runtime");
        }
    })?;
    Ok(Conversation { over, _hold: hold })
}

/// Holds a conversation on this thread.
fn converse<F: Future<Output = ()>>(conversation: impl FnOnce(Hands) -> F) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let hands = Hands::default();
    let mut talk = pin!(conversation(hands.clone()));
    let step = || {
        runtime.block_on(poll_fn(|context| match talk.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => hands.put(None).map_or(Poll::Pending, |job| Poll::Ready(Some(job))),
        }))
    };
    std::iter::from_fn(step).for_each(|job| {
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            error!("the work of an association broke");
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn wait(begun: io::Result<Conversation>) {
        let end = begun.expect("a thread").over();
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { tokio::time::timeout(PATIENCE, end).await.expect("it ends in time") });
    }

    #[test]
    fn work_is_done_on_the_thread_of_the_conversation_and_outside_of_its_runtime() {
        let (tell, told) = mpsc::channel();
        let end = begin("one", move |hands| async move {
            assert!(runtime::Handle::try_current().is_ok(), "the conversation is inside");
            let own = std::thread::current().id();
            for number in 0..3 {
                let done =
                    hands.work(move || (runtime::Handle::try_current().is_err(), std::thread::current().id(), number));
                assert_eq!(done.await, Ok((true, own, number)));
            }
            tell.send(()).expect("heard");
        });
        wait(end);
        told.try_recv().expect("it came to its end");
    }

    #[test]
    fn work_that_breaks_is_told_and_the_conversation_goes_on() {
        let (tell, told) = mpsc::channel();
        let end = begin("one", move |hands| async move {
            let broken: Result<(), Broken> = hands.work(|| assert!(hands_are_clean(), "planted")).await;
            tell.send((broken, hands.work(|| 7).await)).expect("heard");
        });
        wait(end);
        assert_eq!(told.try_recv(), Ok((Err(Broken), Ok(7))));
    }

    fn hands_are_clean() -> bool {
        false
    }

    #[test]
    fn a_conversation_that_is_cut_ends() {
        struct Last(mpsc::Sender<()>);
        impl Drop for Last {
            fn drop(&mut self) {
                self.0.send(()).expect("heard");
            }
        }
        let (tell, told) = mpsc::channel();
        let end = begin("one", move |_hands| async move {
            tell.send(()).expect("heard");
            let _last = Last(tell);
            std::future::pending::<()>().await;
        });
        told.recv_timeout(PATIENCE).expect("it began");
        drop(end.expect("a thread"));
        told.recv_timeout(PATIENCE).expect("it was cut");
    }
}
