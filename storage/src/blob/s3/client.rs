//! The client of the server, and the runtime it lives in: the port is synchronous, the client is not.

use std::path::Path;
use std::time::Duration;

use causeway_core::port::BlobError;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, Certificate, ClientOptions, Error, RetryConfig};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::blob::s3_settings::S3BlobSettings;

/// Threads that speak with the server: they wait more than they work.
const THREADS: usize = 2;
/// The first pause before a request is tried again.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The client.
pub(super) struct Client {
    store: AmazonS3,
    /// Absent only while it is dropped.
    runtime: Option<Runtime>,
}

impl Client {
    /// A client for these settings; nothing is sent yet.
    pub(super) fn new(settings: &S3BlobSettings) -> Result<Self, BlobError> {
        // The HTTP client takes the process's provider and has no other way to be told. Someone may have been first.
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::trace!("a provider of cryptography is installed already");
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("causeway-s3")
            .enable_all()
            .build()
            .map_err(|error| unusable("its threads cannot be started", &error))?;
        let builder = AmazonS3Builder::new()
            .with_endpoint(settings.endpoint.clone())
            .with_region(settings.region.clone())
            .with_bucket_name(settings.bucket.clone())
            .with_access_key_id(settings.access_key_id.clone())
            .with_secret_access_key(secret(settings)?)
            .with_virtual_hosted_style_request(settings.virtual_hosted)
            .with_disable_tagging(true)
            // Not every server knows how to delete several at once, and never are there many.
            .with_disable_bulk_delete(true)
            .with_client_options(options(settings)?)
            .with_retry(RetryConfig {
                backoff: BackoffConfig { init_backoff: PAUSE_FIRST, max_backoff: PAUSE_MAX, base: 2.0 },
                max_retries: usize::from(settings.retries_max),
                retry_timeout: settings.retry_timeout,
            });
        let store = builder.build().map_err(|error| unusable("its settings", &error))?;
        Ok(Self { store, runtime: Some(runtime) })
    }

    /// Does something with the server, and waits for it. A thread that runs asynchronous work may not wait for a runtime:
    /// for such a one another thread does, and it stands still meanwhile.
    pub(super) fn wait<T: Send>(
        &self,
        work: impl AsyncFnOnce(&AmazonS3) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let ended = |why: &'static str| Error::Generic { store: "S3", source: why.into() };
        let Some(runtime) = &self.runtime else { return Err(ended("the client is closed")) };
        if Handle::try_current().is_err() {
            return runtime.block_on(work(&self.store));
        }
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| runtime.block_on(work(&self.store)));
            waiting.join().unwrap_or_else(|_panic| Err(ended("the client ended by a panic")))
        })
    }

    /// The same where it may be such a thread: then it is only begun.
    pub(super) fn wait_or_begin<F>(&self, work: impl FnOnce(AmazonS3) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(runtime) = &self.runtime else { return };
        let work = work(self.store.clone());
        if Handle::try_current().is_ok() {
            drop(runtime.spawn(work));
        } else {
            runtime.block_on(work);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A runtime may not be waited for on a thread that runs asynchronous work.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn options(settings: &S3BlobSettings) -> Result<ClientOptions, BlobError> {
    let plain = settings.endpoint.starts_with("http://");
    let mut options = ClientOptions::new()
        .with_allow_http(plain)
        .with_timeout(settings.request_timeout)
        .with_connect_timeout(settings.connect_timeout)
        .with_no_system_certificates(plain || settings.ca_file.is_some());
    if let Some(file) = &settings.ca_file {
        let pem = read(file)?;
        let bundle = Certificate::from_pem_bundle(pem.as_bytes());
        let bundle = bundle.map_err(|error| unusable(&format!("{} holds no certificates", file.display()), &error))?;
        for certificate in bundle {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

fn secret(settings: &S3BlobSettings) -> Result<String, BlobError> {
    match &settings.secret_access_key_file {
        Some(file) => Ok(read(file)?.trim_end_matches(['\r', '\n']).to_owned()),
        None => std::env::var("AWS_SECRET_ACCESS_KEY")
            .map_err(|error| unusable("there is no `secret_access_key_file`, and AWS_SECRET_ACCESS_KEY", &error)),
    }
}

fn read(file: &Path) -> Result<String, BlobError> {
    std::fs::read_to_string(file).map_err(|error| unusable(&format!("{} cannot be read", file.display()), &error))
}

fn unusable(what: &str, error: &dyn std::fmt::Display) -> BlobError {
    BlobError::Unavailable { cause: format!("{what}: {error}") }
}
