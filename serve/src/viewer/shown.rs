//! Which frame of a study a page shows, and how.

use causeway_core::person::PersonId;
use serde::Deserialize;

use super::WINDOWS;
use super::image::Picture;
use crate::dicomweb::{self, Fault, Imaging, Place, Unseen};

/// What the address of the page says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Shown {
    pub(super) series: Option<String>,
    frame: Option<usize>,
    /// The name of a window.
    pub(super) window: Option<String>,
}

impl Shown {
    /// Which of these pictures is shown.
    pub(super) fn place(&self, pictures: &[Picture]) -> Option<usize> {
        (!pictures.is_empty()).then(|| self.frame.unwrap_or(1).clamp(1, pictures.len()) - 1)
    }

    /// Centre and width of the window that is asked for.
    pub(super) fn values(&self) -> Option<(f64, f64)> {
        let name = self.window.as_deref()?;
        let (_, centre, width) = WINDOWS.into_iter().find(|(known, _, _)| *known == name)?;
        Some((centre.into(), width.into()))
    }

    /// Why the picture that is shown cannot be.
    pub(super) fn unseen(
        &self,
        imaging: &Imaging,
        person: PersonId,
        study: &str,
        picture: &Picture,
    ) -> Result<Option<Unseen>, Fault> {
        let (series, instance) = (Some(picture.series.clone()), Some(picture.instance.clone()));
        let place = Place { study: study.to_owned(), series, instance };
        let row =
            imaging.images.instances(&place.query(person, true, 1)?)?.into_iter().next().ok_or(Fault::NotFound)?;
        let frame = usize::try_from(picture.frame).unwrap_or(usize::MAX);
        Ok(dicomweb::unseen(imaging, &row, frame, self.values()))
    }
}
