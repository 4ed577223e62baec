//! Whether a folder lies on a network file system: SQLite's locks and shared memory cannot be trusted there.

use std::io;
use std::path::Path;

/// Network file systems by their number in `statfs(2)`.
#[cfg(target_os = "linux")]
const NETWORK: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x5346_414F, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00C3_6400, "Ceph"),
];

/// The name of the network file system a folder lies on, if it does.
///
/// # Errors
/// The folder cannot be looked at.
#[cfg(target_os = "linux")]
pub fn network_file_system(dir: &Path) -> io::Result<Option<&'static str>> {
    let about = rustix::fs::statfs(dir)?;
    // The type of this field differs between machines.
    Ok(name_of(u64::try_from(about.f_type).unwrap_or(0)))
}

/// What a number of `statfs(2)` says; only its lower 32 bits count.
#[cfg(target_os = "linux")]
fn name_of(number: u64) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == number & 0xFFFF_FFFF).map(|(_, name)| *name)
}

/// Other systems do not tell.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn network_file_system(_dir: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Numbers from statfs(2), "Filesystem types".
    #[test]
    fn network_file_systems_are_known_by_their_numbers_and_local_ones_are_none() {
        let names = [0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x00C3_6400].map(name_of);
        assert_eq!(names, [Some("NFS"), Some("SMB"), Some("CIFS"), Some("SMB2"), Some("Ceph")]);
        // As a machine with a wider, signed field has it.
        assert_eq!(name_of(0xFFFF_FFFF_FF53_4D42), Some("CIFS"));
        // ext4, XFS, Btrfs, tmpfs.
        assert_eq!([0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994].map(name_of), [None; 4]);
    }

    #[test]
    fn a_folder_here_is_local_and_one_that_is_not_there_cannot_be_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(network_file_system(folder.path()).expect("looked at"), None);
        assert!(network_file_system(&folder.path().join("none")).is_err());
    }
}
