//! Seals: a digest over a row, kept in the row, so that a value changed on disk is noticed when it is read.
//!
//! A seal is no proof against someone who writes to the file and knows this code; that is what the audit chain and its
//! head outside are for.

use sha2::{Digest as _, Sha256};

use super::error::{Result, damaged};

/// Half a SHA-256: enough that no two contents are taken for the same.
pub(in crate::repository) type Half = [u8; 16];

/// Collects the values of a row. Each is preceded by its length, so that no two rows seal alike.
#[derive(Debug, Clone, Default)]
pub(in crate::repository) struct Sealer(Sha256);

impl Sealer {
    /// Adds bytes.
    pub(in crate::repository) fn bytes(mut self, value: &[u8]) -> Self {
        self.0.update(u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(value);
        self
    }

    /// Adds a text.
    pub(in crate::repository) fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    /// Adds a text that may be absent.
    pub(in crate::repository) fn optional_text(self, value: Option<&str>) -> Self {
        self.number(i64::from(value.is_some())).text(value.unwrap_or(""))
    }

    /// Adds a number.
    pub(in crate::repository) fn number(mut self, value: i64) -> Self {
        self.0.update(value.to_be_bytes());
        self
    }

    /// Adds a number that may be absent.
    pub(in crate::repository) fn optional_number(self, value: Option<i64>) -> Self {
        self.number(i64::from(value.is_some())).number(value.unwrap_or(0))
    }

    /// The seal.
    pub(in crate::repository) fn finish(self) -> Half {
        let digest: [u8; 32] = self.0.finalize().into();
        let (half, _) = digest.split_first_chunk().unwrap_or((&[0; 16], &[]));
        *half
    }
}

/// Compares a stored seal with the one that belongs to the row.
pub(in crate::repository) fn check(stored: &[u8], expected: Half, what: impl FnOnce() -> String) -> Result<()> {
    if stored == expected { Ok(()) } else { Err(damaged(format!("{} was changed on disk", what()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_run_into_each_other() {
        let seal = |a: &str, b: &str| Sealer::default().text(a).text(b).finish();
        assert_ne!(seal("ab", "c"), seal("a", "bc"));
        let absent = Sealer::default().optional_text(None).finish();
        assert_ne!(absent, Sealer::default().optional_text(Some("")).finish());
    }
}
