//! SOP classes: which ones are storage, and the two that are not and are spoken all the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Verification: C-ECHO (PS3.4 annex A).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Storage Commitment Push Model (PS3.4 annex J).
pub const STORAGE_COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// The one instance of it.
pub const STORAGE_COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";

/// Media Storage Directory Storage: a DICOMDIR (PS3.10 section 8.6).
pub const MEDIA_DIRECTORY: &str = "1.2.840.10008.1.3.10";

static STORAGE: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let rows = include_str!("storage_classes.csv").lines().skip(2);
    rows.filter_map(|row| row.split_once(',')).map(|(uid, _name)| uid).collect()
});

/// Whether a SOP class is one of the Storage Service Class, current or retired.
pub fn is_storage(uid: &str) -> bool {
    STORAGE.contains(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_images_and_reports_and_no_queries() {
        for uid in ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.481.5"] {
            assert!(is_storage(uid), "{uid}");
        }
        // Verification, a query, and one beneath the root of storage that finds.
        for uid in [VERIFICATION, "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.1.201.2", "", "uid"] {
            assert!(!is_storage(uid), "{uid}");
        }
        assert!(STORAGE.len() > 180, "{}", STORAGE.len());
    }
}
