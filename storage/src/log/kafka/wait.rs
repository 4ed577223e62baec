//! Waits for an answer that comes as a future: librdkafka's administration has no other form.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for `future`; `None` when the time is up.
pub(super) fn wait_for<F: Future>(future: F, patience: Duration) -> Option<F::Output> {
    let deadline = Instant::now() + patience;
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        std::thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Ready when another thread says so.
    #[derive(Default)]
    struct Shared(Mutex<(bool, Option<Waker>)>);

    impl Future for &Shared {
        type Output = &'static str;

        fn poll(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            let mut state = self.0.lock().expect("lock");
            state.1 = Some(context.waker().clone());
            if state.0 { Poll::Ready("done") } else { Poll::Pending }
        }
    }

    #[test]
    fn an_answer_from_another_thread_wakes_the_one_that_waits() {
        let shared = Shared::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait_for(&shared, Duration::from_secs(60)));
            let waker = loop {
                if let Some(waker) = shared.0.lock().expect("lock").1.take() {
                    break waker;
                }
                std::thread::yield_now();
            };
            shared.0.lock().expect("lock").0 = true;
            waker.wake();
            assert_eq!(waiting.join().expect("the thread lives"), Some("done"));
        });
    }

    #[test]
    fn what_never_comes_is_given_up() {
        assert_eq!(wait_for(&Shared::default(), Duration::from_millis(20)), None);
    }
}
