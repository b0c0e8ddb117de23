//! What the cloud says when it says no. Owns the words: each of the two clouds has its own code for the same reason.

use std::borrow::Cow;
use std::time::Duration;

use crate::kind::Vendor;

/// The cloud said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The cloud's code, like `DependencyViolation`.
    pub code: Cow<'static, str>,
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
        Self { code: reason.code(vendor).into(), message: message.into(), attribute: None }
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

    /// What a fault says. A message that begins with a code of its own, as in `Throttling: slow down`, keeps it.
    pub(crate) fn injected(vendor: Vendor, message: &str) -> Self {
        let is_code =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        match message.split_once(": ") {
            Some((code, rest)) if is_code(code) => {
                Self { code: code.to_owned().into(), message: rest.to_owned(), attribute: None }
            }
            _ => Self::new(vendor, Reason::Injected, message),
        }
    }

    pub(crate) fn region_lost(vendor: Vendor, region: &str) -> Self {
        Self::new(vendor, Reason::RegionLost, format!("the region {region} is not available"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injected_message_may_bring_its_own_code() {
        let said = |message| Refusal::injected(Vendor::Aws, message).to_string();
        assert_eq!(said("Throttling.Rate: slow down"), "Throttling.Rate: slow down");
        assert_eq!(said("out of disks"), "InternalFailure: out of disks");
        assert_eq!(said("the reason: none"), "InternalFailure: the reason: none");
        assert_eq!(said(": x"), "InternalFailure: : x");
    }
}
