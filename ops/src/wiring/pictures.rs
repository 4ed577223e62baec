//! Pictures that were just made. A page makes the picture it leads to, to say so where there is none
//! (`causeway_serve::viewer`); the browser asks for it a moment later, and gets what was made.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_core::envelope::Digest;
use causeway_serve::dicomweb::{Picture, Render, RenderError, RenderJob};

/// The most pictures, however small they are.
const PICTURES_MAX: usize = 256;

/// Makes pictures by another, and keeps the newest of them. Who may see one is decided before it is asked for.
pub(crate) struct Recent<R> {
    maker: R,
    bytes_max: u64,
    kept: Mutex<VecDeque<(Digest, Picture)>>,
}

impl<R: Render> Recent<R> {
    /// Keeps pictures of no more bytes than these together.
    pub(crate) const fn new(maker: R, bytes_max: u64) -> Self {
        Self { maker, bytes_max, kept: Mutex::new(VecDeque::new()) }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Digest, Picture)>> {
        // Pictures are put in and taken out whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, job: Digest, picture: &Picture) {
        let bytes = |picture: &Picture| u64::try_from(picture.len()).unwrap_or(u64::MAX);
        if bytes(picture) > self.bytes_max {
            return;
        }
        let mut kept = self.kept();
        kept.push_back((job, picture.clone()));
        let mut total = kept.iter().map(|(_, picture)| bytes(picture)).fold(0, u64::saturating_add);
        while total > self.bytes_max || kept.len() > PICTURES_MAX {
            let Some((_, oldest)) = kept.pop_front() else { break };
            total = total.saturating_sub(bytes(&oldest));
        }
    }
}

impl<R: Render> Render for Recent<R> {
    fn render(&self, job: &RenderJob) -> Result<Picture, RenderError> {
        let Ok(order) = serde_json::to_string(&job.order) else { return self.maker.render(job) };
        let name = Digest::of(format!("{order}\n{}", Digest::of(&job.frame)).as_bytes());
        if let Some((_, picture)) = self.kept().iter().find(|(known, _)| *known == name) {
            return Ok(picture.clone());
        }
        // What was not made may have been for want of time or memory: it is tried anew.
        let picture = self.maker.render(job)?;
        self.keep(name, &picture);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use causeway_core::dicom::picture::PictureOrder;

    use super::*;

    /// Makes pictures as long as a frame, none of an empty one, and counts.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Render for Counting {
        fn render(&self, job: &RenderJob) -> Result<Picture, RenderError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if job.frame.is_empty() { Err(RenderError::Broken("empty".to_owned())) } else { Ok(job.frame.clone()) }
        }
    }

    fn job(frame: &[u8], window: Option<(f64, f64)>) -> RenderJob {
        let order = PictureOrder {
            transfer_syntax: String::new(),
            rows: 1,
            columns: 1,
            samples: 1,
            planar: false,
            bits_allocated: 8,
            bits_stored: 8,
            signed: false,
            photometric: String::new(),
            slope: 1.0,
            intercept: 0.0,
            window,
            within: None,
            jpeg: false,
        };
        RenderJob { order, frame: frame.to_vec() }
    }

    /// How often pictures were made for these jobs, one after the other.
    fn made(bytes_max: u64, jobs: &[RenderJob]) -> usize {
        let recent = Recent::new(Counting::default(), bytes_max);
        for job in jobs {
            assert_eq!(recent.render(job).ok(), Some(job.frame.clone()).filter(|frame| !frame.is_empty()));
        }
        let held: usize = recent.kept().iter().map(|(_, picture)| picture.len()).sum();
        assert!(u64::try_from(held).expect("small") <= bytes_max && recent.kept().len() <= PICTURES_MAX);
        recent.maker.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_picture_is_made_once_and_another_frame_or_window_is_another_picture() {
        let (one, other) = (job(&[1], None), job(&[2], None));
        let window = job(&[1], Some((40.0, 400.0)));
        assert_eq!(made(100, &[one.clone(), one.clone(), window.clone(), one.clone(), window]), 2);
        assert_eq!(made(100, &[one.clone(), other.clone(), one, other]), 2);
    }

    #[test]
    fn the_oldest_give_way_and_what_was_not_made_is_tried_anew() {
        let [one, two, three] = [1, 2, 3].map(|byte| job(&[byte; 4], None));
        let again = [one.clone(), two.clone(), three.clone(), two, three, one];
        assert_eq!(made(8, &again), 4, "room for two: the first is made twice");
        assert_eq!(made(3, &again), 6, "none is small enough");
        assert_eq!(made(0, &again), 6);
        assert_eq!(made(8, &[job(&[], None), job(&[], None)]), 2);
        let many: Vec<_> = (0..=PICTURES_MAX).map(|at| job(&at.to_le_bytes(), None)).collect();
        let first = many[0].clone();
        assert_eq!(made(1 << 20, &[many, vec![first]].concat()), PICTURES_MAX + 2);
    }
}
