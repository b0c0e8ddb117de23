//! The facts of one file of Terraform code, and where they are remembered. The facts say nothing of the file's place in the
//! repository, so that they hold for every file with the same bytes.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};
use terrace_domain::expression::Span;

use crate::tree::ObjectId20;

/// The version of the form in which facts are stored, and of how they are found: another version's facts are not used.
const FORM: u32 = 6;

/// What is remembered facts' key: the bytes of the file, and how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FactsKey {
    /// The file's git blob id.
    pub id: ObjectId20,
    /// Whether the file is read as JSON (`.tf.json`).
    pub json: bool,
}

/// A memory of facts by blob id.
pub trait FactsCache: Sync {
    /// The facts of a file, if they are known.
    fn get(&self, key: FactsKey) -> Option<Arc<FileFacts>>;

    /// Remembers the facts of a file.
    fn put(&self, key: FactsKey, facts: &Arc<FileFacts>);
}

/// A cache that lasts as long as the process.
#[derive(Debug, Default)]
pub struct MemoryCache(RwLock<HashMap<FactsKey, Arc<FileFacts>>>);

impl FactsCache for MemoryCache {
    fn get(&self, key: FactsKey) -> Option<Arc<FileFacts>> {
        self.0.read().ok()?.get(&key).cloned()
    }

    fn put(&self, key: FactsKey, facts: &Arc<FileFacts>) {
        if let Ok(mut known) = self.0.write() {
            known.insert(key, facts.clone());
        }
    }
}

/// What one file of Terraform code declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    pub(crate) variables: Vec<VariableFact>,
    pub(crate) outputs: Vec<OutputFact>,
    pub(crate) checks: Vec<String>,
    pub(crate) modules: Vec<ModuleFact>,
    pub(crate) providers: Vec<ProviderFact>,
    pub(crate) required_version: Vec<String>,
    pub(crate) backend: Option<BackendFact>,
    pub(crate) cloud: bool,
    /// Managed resources, as `TYPE.NAME`.
    pub(crate) resources: Vec<String>,
    /// Resources with `prevent_destroy`, as `TYPE.NAME`.
    pub(crate) protected: Vec<String>,
    /// Why the file could not be read.
    pub(crate) unreadable: Option<Unreadable>,
}

/// Byte offsets, as stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct At(u32, u32);

impl From<Span> for At {
    fn from(span: Span) -> Self {
        Self(span.start, span.end)
    }
}

impl From<At> for Span {
    fn from(at: At) -> Self {
        Self { start: at.0, end: at.1 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VariableFact {
    pub name: String,
    pub type_constraint: Option<String>,
    pub has_default: bool,
    pub sensitive: Option<bool>,
    pub ephemeral: Option<bool>,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutputFact {
    pub name: String,
    pub sensitive: Option<bool>,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModuleFact {
    pub name: String,
    /// `None` in an override file that changes other arguments, and where the source is not a plain text.
    pub source: Option<String>,
    pub version: Option<String>,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProviderFact {
    pub name: String,
    pub source: Option<String>,
    pub version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackendFact {
    /// Its type: `s3`, `gcs`, ...
    pub kind: String,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unreadable {
    pub reason: String,
    pub at: At,
}

#[derive(Serialize, Deserialize)]
struct Stored<F> {
    form: u32,
    facts: F,
}

impl FileFacts {
    /// The facts as bytes for a cache that outlives the process.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&Stored { form: FORM, facts: self }).unwrap_or_default()
    }

    /// The facts from bytes of [`Self::encode`]; `None` for bytes of another version, or damaged ones: read the file again.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let stored: Stored<Self> = serde_json::from_slice(bytes).ok()?;
        (stored.form == FORM).then_some(stored.facts)
    }

    pub(crate) fn unreadable(reason: impl Into<String>, span: Span) -> Self {
        Self { unreadable: Some(Unreadable { reason: reason.into(), at: span.into() }), ..Self::default() }
    }
}
