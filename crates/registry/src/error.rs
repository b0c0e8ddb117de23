//! What can go wrong with a registry, in words, and what to do next. Owns which of it is worth another try.

use std::io;

use oci_client::errors::{OciDistributionError, OciErrorCode};
use terrace_domain::digest::Digest;

use crate::credentials::CredentialsError;
use crate::target::TargetError;

/// How much of what a registry says is shown.
const MESSAGE_CHARACTERS_MAX: usize = 300;
const UNAUTHORISED: u16 = 401;
const FORBIDDEN: u16 = 403;
const NOT_FOUND: u16 = 404;
const TOO_MANY_REQUESTS: u16 = 429;
const SERVER_ERRORS: u16 = 500;

/// Why something was not pushed or pulled.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Who asks is not known there.
    #[error("{registry} does not accept {}: {what}", if *anonymous { "anonymous use" } else { "these credentials" })]
    Unauthorised {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// Whether no credentials were given.
        anonymous: bool,
    },
    /// Who asks may not.
    #[error("{registry} does not allow it: {what}: {message}")]
    Denied {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What it says.
        message: String,
    },
    /// It is not there.
    #[error("{registry} has no {what}")]
    NotFound {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
    },
    /// No connection came about.
    #[error("{registry} cannot be reached: {why}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// Why.
        why: String,
    },
    /// The connection broke, or took too long.
    #[error("the connection to {registry} broke off: {what}: {why}")]
    Dropped {
        /// The registry.
        registry: String,
        /// What was under way.
        what: String,
        /// Why.
        why: String,
    },
    /// No secure connection came about.
    #[error("no secure connection to {registry}: {why}")]
    Tls {
        /// The registry.
        registry: String,
        /// Why.
        why: String,
    },
    /// The registry refuses for another reason, or fails.
    #[error("{registry} answered {status}: {what}: {message}")]
    Answer {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// The registry does not see yet what was pushed a moment before. One that keeps its contents in several places, or whose files
    /// another push is writing at the same moment, says so for a while.
    #[error("{registry} does not see yet what was pushed before: {what}: {message}")]
    NotThereYet {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What it says.
        message: String,
    },
    /// The registry breaks the specification.
    #[error("{registry} does not do as registries do: {what}: {why}")]
    Protocol {
        /// The registry.
        registry: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The bytes are not those that were named.
    #[error("the content of {what} was changed: it should be {expected}, it is {found}")]
    WrongDigest {
        /// What was read.
        what: String,
        /// What it should be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// There are more or fewer bytes than were named.
    #[error("{what} should have {expected} bytes, it has {found}")]
    WrongSize {
        /// What was read.
        what: String,
        /// What was said before.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// Above a limit.
    #[error("{what} has {size} bytes, more than {limit}")]
    TooLarge {
        /// What was to be read or sent.
        what: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Above another limit.
    #[error("{what} has more than {limit} {things}")]
    TooMany {
        /// What was to be read or sent.
        what: String,
        /// What there are too many of.
        things: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Not a manifest.
    #[error("{what} is no manifest: {why}")]
    Manifest {
        /// What was read.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The layout lacks something.
    #[error("the layout has no {what}")]
    NotInLayout {
        /// What was looked for.
        what: String,
    },
    /// The layout cannot be used.
    #[error("the layout cannot be used: {what}")]
    Layout {
        /// What was under way.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The address is none.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The credentials cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl RegistryError {
    /// Whether another try may go better: connections that did not come about or broke off, and a registry that is busy or ill.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Dropped { .. } | Self::NotThereYet { .. } => true,
            Self::Answer { status, .. } => *status == TOO_MANY_REQUESTS || *status >= SERVER_ERRORS,
            _ => false,
        }
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Unauthorised { registry, anonymous: true, .. } => {
                format!("Log in first, for example with `docker login {registry}`: credentials are read from ~/.docker/config.json.")
            }
            Self::Unauthorised { registry, .. } => format!("Log in again, for example with `docker login {registry}`."),
            Self::Denied { .. } => "Ask the registry's owner for the right to do it in this repository.".to_owned(),
            Self::NotFound { .. } => "Look at the name, the tag and the digest; some registries say this too to who may not read.".to_owned(),
            Self::Unreachable { registry, .. } => {
                format!("See that {registry} is right and can be reached from here, then run this again.")
            }
            Self::Dropped { .. } => {
                "Run this again: what has arrived is not sent twice, and nothing refers to what has not.".to_owned()
            }
            Self::Tls { .. } => {
                "See that the registry's certificate is one that this machine trusts. A registry without TLS must be asked for as such."
                    .to_owned()
            }
            Self::NotThereYet { .. } => "Run this again: what has arrived is not sent twice.".to_owned(),
            Self::Answer { .. } if self.is_transient() => "Run this again later.".to_owned(),
            Self::WrongDigest { .. } | Self::WrongSize { .. } => {
                "Nothing of it is used. Find out who changed it, or pull from another registry.".to_owned()
            }
            Self::Credentials(error) => return error.help(),
            _ => return None,
        })
    }
}

/// What was asked for, and of whom: what an error needs to be clear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) registry: &'a str,
    pub(crate) what: &'a str,
    pub(crate) anonymous: bool,
}

impl Asked<'_> {
    /// An answer that is no success.
    pub(crate) fn answer(self, status: u16, message: &str) -> RegistryError {
        let (registry, what) = (self.registry.to_owned(), self.what.to_owned());
        let message = shortened(message);
        match status {
            UNAUTHORISED => RegistryError::Unauthorised { registry, what, anonymous: self.anonymous },
            FORBIDDEN => RegistryError::Denied { registry, what, message },
            NOT_FOUND => RegistryError::NotFound { registry, what },
            status => RegistryError::Answer { registry, what, status, message },
        }
    }

    /// A request that got no answer, or not all of it.
    pub(crate) fn request(self, error: &reqwest::Error) -> RegistryError {
        let (registry, what) = (self.registry.to_owned(), self.what.to_owned());
        if let Some(status) = error.status() {
            return self.answer(status.as_u16(), status.canonical_reason().unwrap_or_default());
        }
        let why = innermost(error);
        if is_tls(error) {
            RegistryError::Tls { registry, why }
        } else if error.is_connect() {
            RegistryError::Unreachable { registry, why }
        } else {
            RegistryError::Dropped { registry, what, why }
        }
    }

    /// What the client library says.
    pub(crate) fn client(self, error: OciDistributionError) -> RegistryError {
        let (registry, what) = (self.registry.to_owned(), self.what.to_owned());
        match error {
            OciDistributionError::RequestError(error) => self.request(&error),
            OciDistributionError::ServerError { code, message, .. } => self.answer(code, &message),
            OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
                self.answer(UNAUTHORISED, "")
            }
            OciDistributionError::RegistryError { envelope, .. } => {
                let is = |code| envelope.errors.iter().any(|error| error.code == code);
                let status = if is(OciErrorCode::Unauthorized) {
                    UNAUTHORISED
                } else if is(OciErrorCode::Denied) {
                    FORBIDDEN
                } else if is(OciErrorCode::Toomanyrequests) {
                    TOO_MANY_REQUESTS
                } else {
                    NOT_FOUND
                };
                self.answer(status, &envelope.to_string())
            }
            OciDistributionError::IoError(error) => {
                RegistryError::Layout { what: format!("reading for {what}"), source: error }
            }
            other => RegistryError::Protocol { registry, what, why: shortened(&other.to_string()) },
        }
    }
}

fn shortened(message: &str) -> String {
    let message = message.trim();
    let message = if message.is_empty() { "no reason given" } else { message };
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_CHARACTERS_MAX).collect()
}

/// The cause of all, which says most: "connection refused", "invalid peer certificate".
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    shortened(&cause.to_string())
}

fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    // An input/output error hides what it was made of from its `source`.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner)) || error.source().is_some_and(is_tls)
}
