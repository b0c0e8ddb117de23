//! What the cloud says when it says no. Owns the words: each of the two clouds has its own code for the same reason.

use std::time::Duration;

use crate::kind::Vendor;

/// The cloud said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The cloud's code, like `DependencyViolation`.
    pub code: &'static str,
    /// The sentence after it.
    pub message: String,
    /// The attribute that is at fault, where it is one.
    pub attribute: Option<&'static str>,
}

/// Why the cloud says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Something else needs it.
    InUse,
    /// There is no such thing.
    NotFound,
    /// There is one of that name.
    Exists,
    /// A value is wrong.
    Invalid,
    /// Address ranges overlap, or something like it.
    Conflict,
    /// It is protected from deletion.
    Protected,
    /// The region is lost.
    RegionLost,
    /// A fault says so.
    Injected,
    /// It took too long.
    TimedOut,
}

impl Reason {
    fn code(self, vendor: Vendor) -> &'static str {
        match (self, vendor) {
            (Self::InUse, Vendor::Aws) => "DependencyViolation",
            (Self::InUse, Vendor::Google) => "resourceInUseByAnotherResource",
            (Self::NotFound, Vendor::Aws) => "ResourceNotFoundException",
            (Self::NotFound, Vendor::Google) => "notFound",
            (Self::Exists, Vendor::Aws) => "ResourceAlreadyExists",
            (Self::Exists, Vendor::Google) => "alreadyExists",
            (Self::Invalid, Vendor::Aws) => "InvalidParameterValue",
            (Self::Invalid, Vendor::Google) => "invalid",
            (Self::Conflict, Vendor::Aws) => "InvalidSubnet.Conflict",
            (Self::Conflict, Vendor::Google) => "invalid.conflict",
            (Self::Protected, Vendor::Aws) => "InvalidParameterCombination",
            (Self::Protected, Vendor::Google) => "deletionProtected",
            (Self::RegionLost, Vendor::Aws) => "ServiceUnavailable",
            (Self::RegionLost, Vendor::Google) => "backendError",
            (Self::Injected, Vendor::Aws) => "InternalFailure",
            (Self::Injected, Vendor::Google) => "internalError",
            (Self::TimedOut, Vendor::Aws) => "RequestTimeout",
            (Self::TimedOut, Vendor::Google) => "deadlineExceeded",
        }
    }
}

impl Refusal {
    pub(crate) fn new(vendor: Vendor, reason: Reason, message: impl Into<String>) -> Self {
        Self { code: reason.code(vendor), message: message.into(), attribute: None }
    }

    pub(crate) fn at(self, attribute: &'static str) -> Self {
        Self { attribute: Some(attribute), ..self }
    }

    pub(crate) fn timed_out(vendor: Vendor, after: Duration) -> Self {
        let message = format!(
            "the request did not complete within {} ms; it may or may not have taken effect",
            after.as_millis()
        );
        Self::new(vendor, Reason::TimedOut, message)
    }

    pub(crate) fn injected(vendor: Vendor, message: String) -> Self {
        Self::new(vendor, Reason::Injected, message)
    }

    pub(crate) fn region_lost(vendor: Vendor, region: &str) -> Self {
        Self::new(vendor, Reason::RegionLost, format!("the region {region} is not available"))
    }
}
