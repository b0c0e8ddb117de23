//! What statements look like as JSON, and what their parts share. Holds no rules beyond form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use terrace_domain::digest::Digest;

use super::{StatementError, Subject, shown};

/// The name of the algorithm in a digest set (`spec/v1/digest_set.md`).
const SHA256: &str = "sha256";

#[derive(Serialize, Deserialize)]
pub(super) struct StatementWire {
    #[serde(rename = "_type")]
    pub(super) statement_type: String,
    pub(super) subject: Vec<SubjectWire>,
    #[serde(rename = "predicateType")]
    pub(super) predicate_type: String,
    pub(super) predicate: Value,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SubjectWire {
    #[serde(default)]
    name: String,
    digest: DigestSet,
}

/// Digests of one thing by algorithm, without the algorithm's prefix (`spec/v1/digest_set.md`).
pub(super) type DigestSet = BTreeMap<String, String>;

impl SubjectWire {
    pub(super) fn of(subject: &Subject) -> Self {
        Self { name: subject.name.clone(), digest: digest_set(&subject.digest) }
    }

    pub(super) fn read(self) -> Result<Subject, StatementError> {
        let digest = sha256_of(&self.digest).ok_or_else(|| StatementError::SubjectDigest(shown(&self.name)))?;
        Ok(Subject { name: self.name, digest })
    }
}

pub(super) fn digest_set(digest: &Digest) -> DigestSet {
    [(SHA256.to_owned(), digest.hex())].into()
}

pub(super) fn sha256_of(set: &DigestSet) -> Option<Digest> {
    format!("{SHA256}:{}", set.get(SHA256)?).parse().ok()
}

/// Reads a predicate's JSON.
pub(super) fn from_value<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

pub(super) fn to_value<T: Serialize>(wire: &T) -> Value {
    serde_json::to_value(wire).expect("texts and numbers become JSON")
}

/// Reads a name, a digest or a time.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{what}: {error}"))
}

/// A text that must say something.
pub(super) fn filled(what: &str, text: String) -> Result<String, String> {
    if text.trim().is_empty() { Err(format!("{what} is empty")) } else { Ok(text) }
}
