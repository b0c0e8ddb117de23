//! That a release was deployed for practice, and how it went. The predicate is Terrace's own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terrace_domain::digest::Digest;
use terrace_domain::name::StackName;
use terrace_domain::rehearsal::Kind;

use super::wire::{from_value, parsed, to_value};

/// The predicate's type.
pub(super) const URI: &str = "https://terrace.dev/rehearsed/v1";

/// A rehearsal and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// What was practised.
    pub kind: Kind,
    /// How it went.
    pub result: Outcome,
    /// When it had ended.
    pub at: Timestamp,
    /// The release that ran before, in an upgrade.
    pub from: Option<Digest>,
    /// The releases of the stacks that it rests on.
    pub upstream: BTreeMap<StackName, Digest>,
}

/// How a rehearsal went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    kind: String,
    result: Outcome,
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default)]
    upstream: BTreeMap<String, String>,
}

impl Rehearsed {
    pub(super) fn to_value(&self) -> Value {
        to_value(&Wire {
            kind: self.kind.as_str().to_owned(),
            result: self.result,
            at: self.at.to_string(),
            from: self.from.map(|digest| digest.to_string()),
            upstream: self.upstream.iter().map(|(stack, digest)| (stack.to_string(), digest.to_string())).collect(),
        })
    }

    pub(super) fn read(value: Value) -> Result<Self, String> {
        let wire: Wire = from_value(value)?;
        let from = wire.from.map(|digest| parsed("from", &digest)).transpose()?;
        let kind = Kind::from_word(&wire.kind).ok_or_else(|| format!("there is no rehearsal `{}`", wire.kind))?;
        if kind == Kind::Upgrade && from.is_none() {
            return Err("an upgrade is `from` a release".to_owned());
        }
        let entry = |(stack, digest): (String, String)| Ok((parsed("upstream", &stack)?, parsed("upstream", &digest)?));
        let upstream = wire.upstream.into_iter().map(entry).collect::<Result<_, String>>()?;
        Ok(Self { kind, result: wire.result, at: parsed("at", &wire.at)?, from, upstream })
    }
}
