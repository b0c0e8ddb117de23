//! Talks to one repository of a registry. Owns the connection, who one is there, what is tried again and how often, and the limits of
//! what is read. Knows single requests only: their order is in `push` and `pull`.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::{Stream, stream};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LINK};
use reqwest::{Method, StatusCode, Url};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use terrace_domain::digest::Digest;
use tokio::sync::RwLock;

use crate::blobs::Blobs;
use crate::content::{Descriptor, INDEX_TYPE, MANIFEST_BYTES_MAX, MANIFEST_TYPES};
use crate::credentials::Credentials;
use crate::error::{Asked, RegistryError};
use crate::target::Target;

/// A registry that cannot be connected to within this time is not there.
const CONNECT_SECS_MAX: u64 = 10;
/// Silence for so long is the end of a connection: registries on object stores take some seconds to put a large blob away.
const SILENCE_SECS_MAX: u64 = 60;
/// Tries after the first one: with the pauses between them some seconds, which bridge a restart.
const RETRIES: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A blob is sent in pieces of so many bytes.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// How much of an answer that is an error is read.
const ERROR_BYTES_MAX: u64 = 64 * 1024;
/// "The registry supports the referrers API" (distribution specification, "Pushing Manifests with Subject").
const SUBJECT_HEADER: &str = "OCI-Subject";
/// "Manifest references a manifest or blob unknown to registry" (distribution specification, "Error Codes").
const BLOB_UNKNOWN: &str = "MANIFEST_BLOB_UNKNOWN";
const DIGEST_HEADER: &str = "Docker-Content-Digest";
/// The discard port: nobody listens there.
const NO_PROXY_NEEDED: &str = "http://127.0.0.1:9";

/// How a registry is talked to.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who one is.
    pub credentials: Credentials,
    /// Without TLS, also beyond this machine. On loopback there is none anyway.
    pub plain_http: bool,
    /// How many requests are under way at once.
    pub concurrency: usize,
    /// Tries after the first one, of what may go better.
    pub retries: usize,
    /// The pause before the second try; each further one is twice as long, up to five seconds.
    pub first_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            credentials: Credentials::anonymous(),
            plain_http: false,
            concurrency: 8,
            retries: RETRIES,
            first_pause: FIRST_PAUSE,
        }
    }
}

/// What has happened so far, for those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It is known what there is to do. While pulling, it may become more.
    Planned {
        /// Blobs.
        blobs: usize,
        /// Their bytes.
        bytes: u64,
        /// Manifests and indexes.
        manifests: usize,
    },
    /// A blob has arrived, or was there already.
    Blob {
        /// The blob.
        digest: Digest,
        /// Its size in bytes.
        bytes: u64,
        /// Whether it was there.
        was_there: bool,
    },
    /// A manifest has arrived.
    Manifest {
        /// The manifest.
        digest: Digest,
    },
    /// A request is tried again.
    Again {
        /// What went wrong, in words.
        why: String,
    },
}

/// Called with what has happened.
pub(crate) type OnProgress<'a> = &'a (dyn Fn(Progress) + Sync);

/// Installs the TLS implementation of this process (rustls with ring), unless there is one. `main` calls it first; whoever opens a
/// connection does not depend on that.
pub fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread has just done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// A repository.
pub(crate) struct Session<'a> {
    client: Client,
    http: reqwest::Client,
    base: Url,
    repository: Reference,
    registry: String,
    operation: RegistryOperation,
    pub(crate) options: &'a Options,
    token: RwLock<Option<Arc<str>>>,
    is_basic: RwLock<bool>,
    progress: OnProgress<'a>,
}

/// The answer to a manifest that was pushed.
pub(crate) struct Accepted {
    /// Whether the registry will list it among its subject's referrers.
    pub(crate) lists_referrers: bool,
}

/// A manifest as the registry has it.
pub(crate) struct Fetched {
    pub(crate) bytes: Vec<u8>,
    /// What the registry says that it is.
    pub(crate) media_type: Option<String>,
    /// The next page of a list.
    pub(crate) next: Option<String>,
}

struct Body<'b> {
    bytes: &'b [u8],
    media_type: &'b str,
}

impl<'a> Session<'a> {
    /// Connects, and finds out who one is.
    pub(crate) async fn open(
        target: &Target,
        operation: RegistryOperation,
        options: &'a Options,
        progress: OnProgress<'a>,
    ) -> Result<Session<'a>, RegistryError> {
        install_tls();
        let is_plain = options.plain_http || target.is_loopback();
        let registry = target.registry().to_owned();
        let scheme = if is_plain { "http" } else { "https" };
        let tls = |why: String| RegistryError::Tls { registry: registry.clone(), why };
        let base = Url::parse(&format!("{scheme}://{registry}/")).map_err(|error| tls(error.to_string()))?;
        // The library would build a client of its own that panics where this one fails: the machine has no certificates.
        let http = http_client(target).map_err(|error| tls(error.to_string()))?;
        let client = oci_client(target, is_plain).map_err(|error| tls(error.to_string()))?;
        let session = Self {
            client,
            http,
            base,
            repository: target.reference(),
            registry,
            operation,
            options,
            token: RwLock::default(),
            is_basic: RwLock::default(),
            progress,
        };
        session.retry(|| session.authorise()).await?;
        Ok(session)
    }

    fn asked<'w>(&'w self, what: &'w str) -> Asked<'w> {
        Asked { registry: &self.registry, what, anonymous: self.options.credentials.is_anonymous() }
    }

    async fn authorise(&self) -> Result<(), RegistryError> {
        let what = format!("log in for {}", self.repository.repository());
        let auth = &self.options.credentials.0;
        let token = self.client.auth(&self.repository, auth, self.operation).await;
        let token = token.map_err(|error| self.asked(&what).client(error))?;
        // No token although there is a password: the registry takes it with each request, or wants none.
        *self.is_basic.write().await = token.is_none();
        *self.token.write().await = token.map(Into::into);
        Ok(())
    }

    /// Tries again what may go better.
    async fn retry<T, F: Future<Output = Result<T, RegistryError>>>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T, RegistryError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.options.first_pause)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(self.options.retries)
            .with_jitter();
        attempt
            .retry(pauses)
            .when(RegistryError::is_transient)
            .notify(|error, _| (self.progress)(Progress::Again { why: error.to_string() }))
            .await
    }

    /// Whether a blob is there.
    pub(crate) async fn has_blob(&self, blob: &Descriptor) -> Result<bool, RegistryError> {
        let what = format!("look for {}", blob.in_words());
        let digest = blob.digest.to_string();
        let look = || async {
            let there = self.client.blob_exists(&self.repository, &digest).await;
            there.map_err(|error| self.asked(&what).client(error))
        };
        self.retry(look).await
    }

    /// Sends a blob.
    pub(crate) async fn push_blob(&self, blobs: &dyn Blobs, blob: &Descriptor) -> Result<(), RegistryError> {
        let what = format!("push {}", blob.in_words());
        let digest = blob.digest.to_string();
        let send = || async {
            let layout = |source| RegistryError::Layout { what: format!("read {}", blob.in_words()), source };
            let file = blobs.open(&blob.digest).map_err(layout)?;
            let sent = self.client.push_blob_stream(&self.repository, pieces(file), &digest, Some(blob.size)).await;
            sent.map(drop).map_err(|error| self.asked(&what).client(error))
        };
        self.retry(send).await
    }

    /// Sends a manifest byte for byte, under its digest or a tag.
    pub(crate) async fn push_manifest(
        &self,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Accepted, RegistryError> {
        let what = format!("push manifest {reference}");
        let size = bytes.len() as u64;
        if size > MANIFEST_BYTES_MAX {
            return Err(RegistryError::TooLarge { what: what.clone(), size, limit: MANIFEST_BYTES_MAX });
        }
        let url = self.url(&format!("manifests/{reference}"))?;
        let send = || async {
            let answer = self.send(&what, Method::PUT, &url, Some(Body { bytes, media_type })).await;
            let answer = answer.map_err(not_there_yet)?;
            let header = |name: &str| answer.headers().get(name)?.to_str().ok().map(ToOwned::to_owned);
            let expected = Digest::of(bytes);
            if let Some(kept) = header(DIGEST_HEADER).filter(|kept| *kept != expected.to_string()) {
                let why = format!("it keeps the manifest as {kept}, not as {expected}");
                return Err(RegistryError::Protocol { registry: self.registry.clone(), what: what.clone(), why });
            }
            Ok(Accepted { lists_referrers: header(SUBJECT_HEADER).is_some() })
        };
        self.retry(send).await
    }

    /// Fetches a manifest by its digest or a tag; `None` where there is none.
    pub(crate) async fn manifest(&self, reference: &str) -> Result<Option<Fetched>, RegistryError> {
        let url = self.url(&format!("manifests/{reference}"))?;
        self.fetch(&format!("manifest {reference}"), &url).await
    }

    /// Fetches a page of a manifest's referrers; `None` where the registry does not list them.
    pub(crate) async fn referrers(
        &self,
        subject: &Digest,
        page: Option<&str>,
    ) -> Result<Option<Fetched>, RegistryError> {
        let mut url = self.url(&format!("referrers/{subject}"))?;
        if let Some(page) = page {
            let next = url.join(page).ok().filter(|next| next.origin() == self.base.origin());
            url = next.ok_or_else(|| RegistryError::Protocol {
                registry: self.registry.clone(),
                what: format!("referrers of {subject}"),
                why: "the next page of the list is elsewhere".to_owned(),
            })?;
        }
        self.fetch(&format!("referrers of {}", subject.short()), &url).await
    }

    async fn fetch(&self, what: &str, url: &Url) -> Result<Option<Fetched>, RegistryError> {
        let get = || async {
            let mut answer = match self.send(what, Method::GET, url, None).await {
                Err(RegistryError::NotFound { .. }) => return Ok(None),
                answer => answer?,
            };
            let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
            let (media_type, next) = (header(CONTENT_TYPE), header(LINK).and_then(|link| next_page(&link)));
            let bytes = self.read(what, &mut answer, MANIFEST_BYTES_MAX).await?;
            Ok(Some(Fetched { bytes, media_type, next }))
        };
        self.retry(get).await
    }

    /// Fetches a blob into the layout. What does not have the digest that was asked for is dropped.
    pub(crate) async fn pull_blob(&self, blobs: &dyn Blobs, blob: &Descriptor) -> Result<(), RegistryError> {
        let what = blob.in_words();
        let url = self.url(&format!("blobs/{}", blob.digest))?;
        let layout = |source| RegistryError::Layout { what: format!("write {what}"), source };
        let get = || async {
            let mut answer = self.send(&what, Method::GET, &url, None).await?;
            let mut collected = blobs.collect().map_err(layout)?;
            self.collect(blob, &mut answer, &mut collected).await?;
            blobs.keep(&blob.digest, collected).map_err(layout)
        };
        self.retry(get).await
    }

    async fn collect(
        &self,
        blob: &Descriptor,
        answer: &mut reqwest::Response,
        file: &mut NamedTempFile,
    ) -> Result<(), RegistryError> {
        let what = blob.in_words();
        let (mut digester, mut size) = (Sha256::new(), 0_u64);
        while let Some(piece) = answer.chunk().await.map_err(|error| self.asked(&what).request(&error))? {
            size += piece.len() as u64;
            if size > blob.size {
                return Err(RegistryError::WrongSize { what, expected: blob.size, found: size });
            }
            digester.update(&piece);
            file.write_all(&piece).map_err(|source| RegistryError::Layout { what: format!("write {what}"), source })?;
        }
        if size != blob.size {
            return Err(RegistryError::WrongSize { what, expected: blob.size, found: size });
        }
        let found = Digest(digester.finalize().into());
        if found == blob.digest {
            Ok(())
        } else {
            Err(RegistryError::WrongDigest { what, expected: blob.digest, found })
        }
    }

    /// One request and its answer, if that is a success. A token that has run out is renewed once.
    async fn send(
        &self,
        what: &str,
        method: Method,
        url: &Url,
        body: Option<Body<'_>>,
    ) -> Result<reqwest::Response, RegistryError> {
        let mut answer = self.send_once(what, method.clone(), url, body.as_ref()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            self.authorise().await?;
            answer = self.send_once(what, method, url, body.as_ref()).await?;
        }
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let message = self.read(what, &mut answer, ERROR_BYTES_MAX).await.unwrap_or_default();
        Err(self.asked(what).answer(status, &String::from_utf8_lossy(&message)))
    }

    async fn send_once(
        &self,
        what: &str,
        method: Method,
        url: &Url,
        body: Option<&Body<'_>>,
    ) -> Result<reqwest::Response, RegistryError> {
        let mut request = self.http.request(method, url.clone()).header(ACCEPT, accepted());
        if let Some(token) = self.token.read().await.as_deref() {
            request = request.bearer_auth(token);
        } else if let (true, RegistryAuth::Basic(user, password)) =
            (*self.is_basic.read().await, &self.options.credentials.0)
        {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(Body { bytes, media_type }) = body {
            request = request.header(CONTENT_TYPE, *media_type).body(bytes.to_vec());
        }
        request.send().await.map_err(|error| self.asked(what).request(&error))
    }

    async fn read(&self, what: &str, answer: &mut reqwest::Response, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.asked(what).request(&error))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > limit {
                return Err(RegistryError::TooLarge { what: what.to_owned(), size: bytes.len() as u64, limit });
            }
        }
        Ok(bytes)
    }

    fn url(&self, path: &str) -> Result<Url, RegistryError> {
        let path = format!("v2/{}/{path}", self.repository.repository());
        self.base.join(&path).map_err(|error| RegistryError::Protocol {
            registry: self.registry.clone(),
            what: path,
            why: error.to_string(),
        })
    }

    pub(crate) fn tell(&self, progress: Progress) {
        (self.progress)(progress);
    }

    /// The error of something that should have been there.
    pub(crate) fn not_found(&self, what: impl Into<String>) -> RegistryError {
        RegistryError::NotFound { registry: self.registry.clone(), what: what.into() }
    }
}

/// All that a manifest points to was pushed before it: where the registry does not know that, it will soon.
fn not_there_yet(error: RegistryError) -> RegistryError {
    match error {
        RegistryError::Answer { registry, what, message, .. } if message.contains(BLOB_UNKNOWN) => {
            RegistryError::NotThereYet { registry, what, message }
        }
        other => other,
    }
}

fn http_client(target: &Target) -> reqwest::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent())
        .connect_timeout(Duration::from_secs(CONNECT_SECS_MAX))
        .read_timeout(Duration::from_secs(SILENCE_SECS_MAX));
    if target.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build()
}

fn oci_client(target: &Target, is_plain: bool) -> Result<Client, OciDistributionError> {
    let mut config = ClientConfig {
        protocol: if is_plain { ClientProtocol::Http } else { ClientProtocol::Https },
        user_agent: user_agent(),
        connect_timeout: Some(Duration::from_secs(CONNECT_SECS_MAX)),
        read_timeout: Some(Duration::from_secs(SILENCE_SECS_MAX)),
        ..ClientConfig::default()
    };
    if target.is_loopback() {
        // The only way to keep the library from a proxy of the environment: a proxy of our own, and this host as its exception.
        config.http_proxy = Some(NO_PROXY_NEEDED.to_owned());
        config.no_proxy = Some(target.host().to_owned());
    }
    // Not `Client::new`, which goes on with other settings where these cannot be had.
    Client::try_from(config)
}

fn user_agent() -> &'static str {
    concat!("terrace/", env!("CARGO_PKG_VERSION"))
}

fn accepted() -> String {
    // The last is for blobs; an index is also what lists of referrers are.
    format!("{}, */*", MANIFEST_TYPES.join(", "))
}

/// A file as a stream of pieces.
fn pieces(file: File) -> impl Stream<Item = Result<bytes::Bytes, OciDistributionError>> + Send + 'static {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = Vec::new();
        // Files of a layout are on a disk: reading a piece does not keep others waiting.
        let read = Read::by_ref(&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut piece)?;
        Ok((read > 0).then(|| (piece.into(), file)))
    })
}

/// The target of `Link: <URL>; rel="next"` (RFC 8288; distribution specification, "Listing Referrers").
fn next_page(link: &str) -> Option<String> {
    let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    parameters.replace(' ', "").contains("rel=\"next\"").then(|| url.to_owned())
}

/// The media type of a manifest that was fetched by its tag: what it says itself, else what the registry says.
pub(crate) fn media_type_of(own: Option<&str>, fetched: &Fetched, has_manifests: bool) -> String {
    let said = fetched.media_type.as_deref().map(|said| said.split(';').next().unwrap_or(said).trim());
    let known = own.or(said.filter(|said| MANIFEST_TYPES.contains(said)));
    known.unwrap_or(if has_manifests { INDEX_TYPE } else { crate::content::MANIFEST_TYPE }).to_owned()
}
