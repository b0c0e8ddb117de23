//! The Terraform provider: answers each call of the plugin protocol out of the cloud. Owns the way from a message to the cloud and
//! back. Never decides what is allowed (the cloud does) nor what changes (`plan` does, which is pure).

mod perform;
mod plan;
mod schema;
mod service;
mod session;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use crate::cloud::{Cloud, CloudError};
use crate::protocol::message::{AttributePath, AttributeStep, Diagnostic, Severity};

/// One connection: Terraform makes one for each `provider` block, so this is where its configuration belongs.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    cloud: Cloud,
    identity: Arc<str>,
    region: Arc<OnceLock<Region>>,
}

/// The region of a provider's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Region {
    /// None is given.
    None,
    /// It depends on what is not applied yet.
    Unknown,
    /// This one.
    Known(String),
}

impl Session {
    pub(crate) fn new(cloud: Cloud, identity: Arc<str>) -> Self {
        Self { cloud, identity, region: Arc::default() }
    }

    fn region(&self) -> &Region {
        self.region.get().unwrap_or(&Region::None)
    }
}

/// The gRPC service; what it needs it finds in the connection's [`Session`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service;

/// An error for people at the other end, at an attribute where it is about one.
fn error(summary: impl Into<String>, detail: impl Into<String>, attribute: Option<&str>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error.into(),
        summary: summary.into(),
        detail: detail.into(),
        attribute: attribute.map(path),
    }
}

fn path(attribute: &str) -> AttributePath {
    AttributePath { steps: vec![AttributeStep { attribute_name: attribute.to_owned() }] }
}

/// What the cloud said, as Terraform shows it.
fn cloud_error(what: &str, cloud_error: &CloudError) -> Diagnostic {
    match cloud_error {
        CloudError::Refused(refusal) => error(format!("{what}: {refusal}"), "", refusal.attribute),
        other => error(format!("{what}: {other}"), "", None),
    }
}
