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
    // The type of this field differs between machines; the numbers above have 32 bits.
    let number = u64::try_from(about.f_type).unwrap_or(0) & 0xFFFF_FFFF;
    Ok(NETWORK.iter().find(|(known, _)| *known == number).map(|(_, name)| *name))
}

/// Other systems do not tell.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn network_file_system(_dir: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}
