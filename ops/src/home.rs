//! The data folder of a hub: where its engines keep their files, and the lock that keeps a second hub out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use causeway_storage::network::network_file_system;

use crate::diagnostic::{Code, Diagnostic};

/// The data folder.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    dir: PathBuf,
}

/// Held by the one hub that works on a data folder; the system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct HubLock {
    file: File,
}

impl HubLock {
    /// Notes where the pages listen, for `causeway status` on the same machine.
    pub(crate) fn note(&self, http: SocketAddr) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.write_all(http.to_string().as_bytes())
    }
}

impl Home {
    /// The data folder at `dir`, which need not be there yet.
    pub(crate) const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the embedded log.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The folder of documents and images.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    /// The folder of messages too large for a log on Kafka.
    #[cfg(feature = "kafka")]
    pub(crate) fn claims(&self) -> PathBuf {
        self.dir.join("claims")
    }

    /// The file of the SQLite repository.
    pub(crate) fn repository(&self) -> PathBuf {
        self.dir.join("repository.db")
    }

    /// Whether a hub ever worked here, or something was imported.
    pub(crate) fn has_repository(&self) -> bool {
        self.repository().is_file()
    }

    /// Whether messages were ever logged here.
    pub(crate) fn has_log(&self) -> bool {
        self.log().is_dir()
    }

    /// Makes the folder, readable by its owner only. One on a network disk is refused.
    pub(crate) fn make(&self) -> Result<(), Diagnostic> {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
        made.map_err(|error| self.trouble("the data folder cannot be made", &error))?;
        match network_file_system(&self.dir) {
            Ok(None) => Ok(()),
            Ok(Some(name)) => {
                let what = format!("the data folder is on a network file system ({name})");
                Err(Diagnostic::new(Code::NetworkDisk, what).at(self.shown()))
            }
            Err(error) => Err(self.trouble("the data folder cannot be looked at", &error)),
        }
    }

    /// Takes the hub's lock, or says that another hub has it.
    pub(crate) fn lock(&self) -> Result<HubLock, Diagnostic> {
        match self.try_lock() {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(Diagnostic::new(Code::Locked, "another hub works on this data folder").at(self.shown())),
            Err(error) => Err(self.trouble("the data folder cannot be locked", &error)),
        }
    }

    /// Whether a hub works here now. A folder that cannot be looked at has none.
    pub(crate) fn is_busy(&self) -> bool {
        self.lock_file().is_file() && matches!(self.try_lock(), Ok(None))
    }

    /// Where the pages of the hub that works here listen; `None` when none does.
    pub(crate) fn pages(&self) -> Option<SocketAddr> {
        if !self.is_busy() {
            return None;
        }
        fs::read_to_string(self.lock_file()).ok()?.trim().parse().ok()
    }

    fn try_lock(&self) -> io::Result<Option<HubLock>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(self.lock_file())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(HubLock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_file(&self) -> PathBuf {
        self.dir.join("hub.lock")
    }

    fn shown(&self) -> String {
        self.dir.display().to_string()
    }

    fn trouble(&self, what: &str, error: &io::Error) -> Diagnostic {
        Diagnostic::new(Code::DataFolder, what).at(self.shown()).because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_hub_is_kept_out_until_the_first_one_ends() {
        let folder = tempfile::tempdir().expect("folder");
        let home = Home::new(folder.path().join("data"));
        home.make().expect("made");
        assert!(!home.is_busy());
        let lock = home.lock().expect("free");
        assert!(home.is_busy());
        let pages = SocketAddr::from(([127, 0, 0, 1], 8080));
        lock.note(pages).expect("noted");
        assert_eq!(home.pages(), Some(pages));
        assert_eq!(home.lock().expect_err("taken").code, Code::Locked);
        drop(lock);
        assert_eq!(home.pages(), None);
        assert!(!home.is_busy() && home.lock().is_ok());
    }

    #[test]
    fn the_folder_is_the_owners_own() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("folder");
        let home = Home::new(folder.path().join("data"));
        home.make().expect("made");
        let mode = fs::metadata(home.dir()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
