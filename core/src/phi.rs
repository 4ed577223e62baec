//! Protected health information that cannot reach a log line by accident.

use serde::{Deserialize, Serialize};

/// Text or data about a patient. `Debug` prints `***`; there is no `Display` and no `Deref`, so every place that
/// reads the value says [`Phi::expose`], which can be searched for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Protects a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Use it where the value is stored, compared or shown to someone entitled; never in a log.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the value up.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Phi<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        assert_eq!(format!("{:?}", Phi::new("CHAN TAI MAN")), "***");
        assert_eq!(format!("{:?}", Some(vec![Phi::from("A1234563")])), "Some([***])");
    }
}
