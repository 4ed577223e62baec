//! What the log asks of the file system it lives on.

use std::path::Path;

use causeway_core::port::LogError;

use super::{EmbeddedLogSettings, fault};

/// Refuses a folder on a network file system.
pub(super) fn refuse_network(dir: &Path) -> Result<(), LogError> {
    match crate::network::network_file_system(dir).map_err(fault::unavailable)? {
        Some(name) => Err(fault::unavailable(format!(
            "the log's folder is on a network file system ({name}); give it a local disk"
        ))),
        None => Ok(()),
    }
}

/// Whether there is room for new entries. Says so before the disk is full, so that what has been taken can still be
/// processed, checkpointed and pruned. An error says why there is none; a folder that is gone has none, either.
pub(super) fn check_room(dir: &Path, settings: &EmbeddedLogSettings) -> Result<(), String> {
    let about = rustix::fs::statvfs(dir).map_err(|error| format!("{} is not there: {error}", dir.display()))?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let used = about.f_blocks.saturating_sub(about.f_bavail);
    if has_room(free, used, about.f_blocks, settings) {
        return Ok(());
    }
    Err(format!("the log's disk is full: {} MiB are free", free >> 20))
}

/// The rule: enough free, or not too full.
fn has_room(free: u64, used_blocks: u64, blocks: u64, settings: &EmbeddedLogSettings) -> bool {
    let full = u128::from(used_blocks) * 100 >= u128::from(blocks) * u128::from(settings.disk_used_percent_max);
    free >= settings.disk_free_enough || !full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_disk_is_full_at_its_percentage_and_a_large_one_when_little_is_free() {
        let settings = EmbeddedLogSettings::default();
        let block = 4096_u64;
        let room = |used: u64, blocks: u64| has_room((blocks - used) * block, used, blocks, &settings);
        assert!(room(94, 100));
        assert!(!room(95, 100));
        let terabyte = (1 << 40) / block;
        let gibibyte = (1 << 30) / block;
        assert!(room(terabyte - gibibyte, terabyte));
        assert!(!room(terabyte - gibibyte + 1, terabyte));
    }

    #[test]
    fn a_local_folder_is_taken() {
        let dir = tempfile::tempdir().expect("dir");
        assert!(refuse_network(dir.path()).is_ok());
    }
}
