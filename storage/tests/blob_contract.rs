//! The contract of the blob port, for the blob folder, and what only a folder promises.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_core::contract::blob::{Needs, Subject};
use causeway_core::envelope::Digest;
use causeway_core::port::{BlobError, BlobStore as _, SharedBlobs};
use causeway_storage::blob::folder::FolderBlobs;
use causeway_storage::blob::folder_settings::FolderBlobSettings;

/// A store in a folder of its own.
struct Folder {
    dir: tempfile::TempDir,
    settings: FolderBlobSettings,
}

impl Subject for Folder {
    fn open(&self) -> SharedBlobs {
        Arc::new(FolderBlobs::open(self.dir.path(), self.settings.clone()).expect("the folder opens"))
    }

    fn alter(&self, digest: &Digest, change: &mut dyn FnMut(&mut Vec<u8>)) {
        let path = path(self.dir.path(), digest);
        let mut stored = std::fs::read(&path).expect("stored");
        change(&mut stored);
        std::fs::write(&path, stored).expect("changed");
    }
}

fn folder(needs: &Needs) -> Box<dyn Subject> {
    let settings = FolderBlobSettings { blob_bytes_max: needs.blob_bytes_max, ..small() };
    Box::new(Folder { dir: tempfile::tempdir().expect("folder"), settings })
}

/// No reserve: the machine that tests may be nearly full.
fn small() -> FolderBlobSettings {
    FolderBlobSettings { free_bytes_min: 0, ..FolderBlobSettings::default() }
}

fn path(dir: &Path, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    dir.join(name.split_at(2).0).join(&name)
}

causeway_core::blob_contract!(folder);

#[test]
fn a_blob_is_a_private_file_that_begins_with_its_bytes() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("folder");
    let store = FolderBlobs::open(dir.path(), small()).expect("opens");
    let blob = store.put(b"what any tool can read").expect("put");
    let path = path(dir.path(), &blob.digest);
    assert!(std::fs::read(&path).expect("file").starts_with(b"what any tool can read"));
    assert_eq!(path.metadata().expect("about").permissions().mode() & 0o777, 0o600);
    assert_eq!(dir.path().join("unfinished").metadata().expect("about").permissions().mode() & 0o777, 0o700);
}

#[test]
fn below_the_reserve_nothing_is_begun_and_what_is_there_is_read() {
    let dir = tempfile::tempdir().expect("folder");
    let blob = FolderBlobs::open(dir.path(), small()).expect("opens").put(b"before").expect("put");
    let all = FolderBlobSettings { free_bytes_min: u64::MAX, ..small() };
    let store = FolderBlobs::open(dir.path(), all).expect("opens");
    let refused = store.put(b"after").expect_err("refused");
    assert!(matches!(refused, BlobError::Full { .. }), "{refused}");
    assert!(matches!(store.probe(), Err(BlobError::Full { .. })), "and readiness says so");
    assert_eq!(store.read(&blob.digest, 0, 10).expect("read"), b"before");
}

#[test]
fn what_lies_in_the_folder_and_is_no_blob_is_not_listed() {
    let dir = tempfile::tempdir().expect("folder");
    let store = FolderBlobs::open(dir.path(), small()).expect("opens");
    let blob = store.put(b"one").expect("put");
    let shard = path(dir.path(), &blob.digest).parent().expect("shard").to_owned();
    std::fs::write(shard.join("README"), "hello").expect("file");
    std::fs::create_dir_all(dir.path().join("lost+found/zz")).expect("folder");
    assert_eq!(store.list(None, 10).expect("list").len(), 1);
}

#[test]
fn a_writer_whose_file_was_swept_says_so_at_its_end() {
    let dir = tempfile::tempdir().expect("folder");
    let store = FolderBlobs::open(dir.path(), small()).expect("opens");
    let mut writer = store.create().expect("begun");
    writer.write(b"slow").expect("room");
    assert_eq!(store.sweep(jiff::Timestamp::MAX).expect("sweep"), 1);
    assert!(matches!(writer.finish(), Err(BlobError::Unavailable { .. })));
    assert!(store.list(None, 10).expect("list").is_empty());
}
