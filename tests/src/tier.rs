//! How much a fault test does: little on every run, more by night, most before a release.
//!
//! `CAUSEWAY_TIER` chooses (`tests/run nightly`, `tests/run release`); `CAUSEWAY_SEED` repeats a run whose seed was printed.

use std::hash::{BuildHasher as _, RandomState};

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Every run of the tests: minutes in all, with fixed seeds.
    Run,
    /// By night: less than an hour, with other seeds each time.
    Nightly,
    /// Before a release: hours.
    Release,
}

impl Tier {
    /// What `CAUSEWAY_TIER` says; without it [`Tier::Run`].
    ///
    /// # Errors
    /// It says something else.
    pub fn of_environment() -> Result<Self, String> {
        match std::env::var("CAUSEWAY_TIER").as_deref() {
            Err(_) | Ok("" | "run") => Ok(Self::Run),
            Ok("nightly") => Ok(Self::Nightly),
            Ok("release") => Ok(Self::Release),
            Ok(other) => Err(format!("CAUSEWAY_TIER is `{other}`: it may be run, nightly or release")),
        }
    }

    /// As much as the tier wants.
    pub fn pick<T>(self, run: T, nightly: T, release: T) -> T {
        match self {
            Self::Run => run,
            Self::Nightly => nightly,
            Self::Release => release,
        }
    }

    /// The seed of a test: `CAUSEWAY_SEED`, else `fixed` on every run and any other one by night. It is printed before anything
    /// can fail.
    #[expect(clippy::print_stderr, reason = "whoever sees the test fail runs it again with the same seed")]
    pub fn seed(self, fixed: u64) -> u64 {
        let said = std::env::var("CAUSEWAY_SEED").ok().and_then(|seed| seed.parse().ok());
        let any = || RandomState::new().hash_one(fixed);
        let seed = said.unwrap_or_else(|| if self == Self::Run { fixed } else { any() });
        eprintln!("seed {seed}");
        seed
    }
}
