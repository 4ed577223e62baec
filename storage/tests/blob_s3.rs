//! The contract of the blob port, for the blob store on a real S3-compatible server.
//!
//! `CAUSEWAY_TEST_S3` says where it is, as `ops/dev/objects start DIR` writes it to `DIR/url`.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

use std::sync::Arc;
use std::time::Duration;

use causeway_core::contract::blob::{Needs, Subject};
use causeway_core::disposition::Disposition;
use causeway_core::envelope::Digest;
use causeway_core::port::{BlobStore as _, SharedBlobs};
use causeway_storage::blob::s3::S3Blobs;
use causeway_storage::blob::s3_settings::S3BlobSettings;
use object_store::ObjectStoreExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use tempfile::TempDir;

/// A store below a prefix of its own.
struct OnServer {
    settings: S3BlobSettings,
    _dir: TempDir,
}

impl Subject for OnServer {
    fn open(&self) -> SharedBlobs {
        Arc::new(S3Blobs::open(self.settings.clone()).expect("a store"))
    }

    fn alter(&self, digest: &Digest, change: &mut dyn FnMut(&mut Vec<u8>)) {
        let name = digest.to_string();
        let (first, rest) = name.split_at(2);
        let path = Path::from(format!("{}/{first}/{}/{name}", self.settings.prefix, rest.split_at(2).0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let server = server();
            let client = AmazonS3Builder::new()
                .with_endpoint(&server.url)
                .with_region("us-east-1")
                .with_bucket_name(&server.bucket)
                .with_access_key_id(&server.key)
                .with_secret_access_key(&server.secret)
                .with_allow_http(true)
                .build()
                .expect("a client");
            let mut stored = client.get(&path).await.expect("stored").bytes().await.expect("read").to_vec();
            change(&mut stored);
            client.put(&path, stored.into()).await.expect("changed");
        });
    }
}

struct Server {
    url: String,
    bucket: String,
    key: String,
    secret: String,
}

/// The server: `http://KEY:SECRET@HOST:PORT/BUCKET`.
fn server() -> Server {
    let text = std::env::var("CAUSEWAY_TEST_S3").unwrap_or_else(|_absent| {
        panic!(
            "no S3 server: run `ops/dev/objects start /tmp/objects`, then set CAUSEWAY_TEST_S3 to what is in /tmp/objects/url"
        )
    });
    let rest = text.trim().strip_prefix("http://").expect("an http url");
    let (user, place) = rest.split_once('@').expect("a key");
    let (key, secret) = user.split_once(':').expect("a secret");
    let (host, bucket) = place.split_once('/').expect("a bucket");
    Server { url: format!("http://{host}"), bucket: bucket.to_owned(), key: key.to_owned(), secret: secret.to_owned() }
}

fn settings(dir: &TempDir) -> S3BlobSettings {
    let server = server();
    let file = dir.path().join("secret");
    std::fs::write(&file, format!("{}\n", server.secret)).expect("written");
    S3BlobSettings {
        endpoint: server.url,
        bucket: server.bucket,
        prefix: format!("test/{}", uuid::Uuid::new_v4()),
        access_key_id: server.key,
        secret_access_key_file: Some(file),
        part_bytes: 5 << 20,
        ..S3BlobSettings::default()
    }
}

fn on_server(needs: &Needs) -> Box<dyn Subject> {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = S3BlobSettings { blob_bytes_max: needs.blob_bytes_max, ..settings(&dir) };
    Box::new(OnServer { settings, _dir: dir })
}

causeway_core::blob_contract!(on_server);

#[test]
fn a_wrong_secret_and_a_missing_bucket_are_told_and_may_pass() {
    let dir = tempfile::tempdir().expect("a folder");
    let good = settings(&dir);
    let elsewhere = S3Blobs::open(S3BlobSettings { bucket: "nowhere".to_owned(), ..good.clone() }).expect("opened");
    std::fs::write(dir.path().join("wrong"), "wrong").expect("written");
    let file = Some(dir.path().join("wrong"));
    let stranger = S3Blobs::open(S3BlobSettings { secret_access_key_file: file, ..good }).expect("opened");
    for store in [elsewhere, stranger] {
        for error in [store.probe().expect_err("refused"), store.put(b"bytes").expect_err("refused")] {
            assert_eq!(error.disposition(), Disposition::Retry, "{error}");
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_given_up_within_the_bounds() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = S3Blobs::open(S3BlobSettings {
        // Nothing listens on the port of discard.
        endpoint: "http://127.0.0.1:9".to_owned(),
        retries_max: 2,
        retry_timeout: Duration::from_secs(5),
        ..settings(&dir)
    });
    let error = store.expect("opened").put(b"bytes").expect_err("nobody there");
    assert_eq!(error.disposition(), Disposition::Retry, "{error}");
}

#[test]
fn the_secret_is_in_no_text() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = S3Blobs::open(settings(&dir)).expect("opened");
    assert!(!format!("{store:?}").contains(&server().secret));
}

/// The writer may be dropped, and the store with it, where asynchronous work runs.
#[test]
fn a_writer_may_be_given_up_within_asynchronous_work() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = S3Blobs::open(settings(&dir)).expect("opened");
    let mut writer = store.create().expect("begun");
    writer.write(&vec![7; 6 << 20]).expect("sent");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async move {
        assert_eq!(store.put(b"small").expect("stored").bytes, 5);
        drop(writer);
        drop(store);
    });
}
