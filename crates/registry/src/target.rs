//! Where something is pushed to or pulled from: `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`. Owns how that is written. A host is always
//! named: what others complete to a public registry would publish an estate by a slip of the pen.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use oci_client::Reference;
use terrace_domain::digest::Digest;

/// A repository in a registry, and perhaps what in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It does not have the form.
    #[error("`{text}` is not HOST/REPOSITORY[:TAG]: {why}")]
    Form {
        /// The text.
        text: String,
        /// What is wrong.
        why: String,
    },
}

impl Target {
    /// The host, with its port if it has one.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, as far as one is named.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, as far as one is named.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The host without its port.
    pub(crate) fn host(&self) -> &str {
        let host = self.registry.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        host.map_or(self.registry.as_str(), |(host, _)| host).trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether it is this machine, so that nobody else can listen.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host() == "localhost" || self.host().parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    pub(crate) fn reference(&self) -> Reference {
        Reference::with_tag(self.registry.clone(), self.repository.clone(), "unused".to_owned())
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = |why: &str| TargetError::Form { text: text.to_owned(), why: why.to_owned() };
        if text.contains("://") {
            return Err(wrong("write it without `http://` or `https://`"));
        }
        let (host, rest) = text.split_once('/').ok_or_else(|| wrong("it has no `/`"))?;
        if !host.contains(['.', ':']) && host != "localhost" {
            return Err(wrong("it begins with a host, such as `registry.example.com` or `localhost:5000`"));
        }
        let reference: Reference = text.parse().map_err(|error| wrong(&format!("{error}")))?;
        let digest = reference.digest().map(str::parse).transpose();
        // The library completes a missing tag.
        let named = rest.split('@').next().is_some_and(|name| name.contains(':'));
        Ok(Self {
            registry: reference.registry().to_owned(),
            repository: reference.repository().to_owned(),
            tag: reference.tag().filter(|_| named).map(ToOwned::to_owned),
            digest: digest.map_err(|error| wrong(&format!("{error}")))?,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        let target: Target = "registry.example.com:5000/team/harbour:v1".parse().unwrap();
        assert_eq!(
            (target.registry(), target.repository(), target.tag()),
            ("registry.example.com:5000", "team/harbour", Some("v1"))
        );
        assert!(!target.is_loopback());
        let target: Target = "127.0.0.1:5000/harbour".parse().unwrap();
        assert_eq!((target.tag(), target.digest()), (None, None));
        assert!(target.is_loopback());
        assert!("localhost/harbour:v1".parse::<Target>().unwrap().is_loopback());
        let text = format!("registry.example.com/harbour@sha256:{}", "0a".repeat(32));
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "harbour",
            "team/harbour",
            "https://registry.example.com/x",
            "registry.example.com/Up",
            "registry.example.com/",
            "",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
        let short = "registry.example.com/harbour@sha256:00".parse::<Target>().unwrap_err();
        assert!(short.to_string().contains("registry.example.com/harbour@sha256:00"));
    }
}
