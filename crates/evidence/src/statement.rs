//! What is said of a release: in-toto statements (in-toto attestation framework, `spec/v1/statement.md`). Owns the statement around
//! the predicates, and what each must hold to be believed at all. Never decides whether it is enough.

mod applied_in;
mod built_from;
mod rehearsed;
mod wire;

use serde_json::Value;
use terrace_domain::digest::Digest;

pub use self::applied_in::{AppliedIn, StateVersion};
pub use self::built_from::{BuiltFrom, VendoredModule};
pub use self::rehearsed::{Outcome, Rehearsed};
use self::wire::{StatementWire, SubjectWire};

/// The statement's own type (`spec/v1/statement.md`).
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The most subjects of a statement: one is written, and others may say one thing of some artifacts together.
const SUBJECTS_MAX: usize = 1000;
/// How much of another's text is shown in an error.
const SHOWN_MAX: usize = 100;

/// A statement about artifacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// What it says.
    pub predicate: Predicate,
}

/// An artifact that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name, for people; nothing is found by it.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// What the release was built from.
    BuiltFrom(BuiltFrom),
    /// That it was applied in an environment.
    AppliedIn(AppliedIn),
    /// That it was deployed for practice.
    Rehearsed(Rehearsed),
}

/// Why bytes are not a statement that Terrace understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not its JSON.
    #[error("not an in-toto statement: {0}")]
    Json(String),
    /// Another version, or another thing.
    #[error("the statement is of type `{0}`, not `{STATEMENT_TYPE}`")]
    Type(String),
    /// Another predicate.
    #[error("`{0}` is no predicate that Terrace knows")]
    UnknownPredicate(String),
    /// About nothing.
    #[error("the statement is about nothing: it has no subject")]
    NoSubject,
    /// About too much.
    #[error("the statement has {0} subjects, more than {SUBJECTS_MAX}")]
    TooManySubjects(usize),
    /// A subject without a digest, or with one that is none.
    #[error("the statement's subject `{0}` has no sha256 digest")]
    SubjectDigest(String),
    /// The predicate lacks something, or says what cannot be.
    #[error("the `{predicate}` predicate is wrong: {why}")]
    Predicate {
        /// Its short name.
        predicate: &'static str,
        /// What is wrong.
        why: String,
    },
    /// It is about something else than what it is attached to.
    #[error("the statement is about {}, but attached to {attached_to}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    OtherSubject {
        /// What it is attached to.
        attached_to: Digest,
        /// What it is about.
        found: Vec<Digest>,
    },
}

impl Statement {
    /// A statement about one artifact.
    pub fn about(name: impl Into<String>, digest: Digest, predicate: Predicate) -> Self {
        Self { subjects: vec![Subject { name: name.into(), digest }], predicate }
    }

    /// The statement as JSON: the payload of an envelope. The same statement makes the same bytes.
    pub fn to_json(&self) -> Vec<u8> {
        let wire = StatementWire {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: self.subjects.iter().map(SubjectWire::of).collect(),
            predicate_type: self.predicate.uri().to_owned(),
            predicate: self.predicate.to_value(),
        };
        serde_json::to_vec(&wire).expect("texts and numbers become JSON")
    }

    /// Reads a statement. Unknown fields are passed over (`spec/v1/README.md`, "Parsing rules").
    pub fn parse(json: &[u8]) -> Result<Self, StatementError> {
        let wire: StatementWire =
            serde_json::from_slice(json).map_err(|error| StatementError::Json(error.to_string()))?;
        if wire.statement_type != STATEMENT_TYPE {
            return Err(StatementError::Type(shown(&wire.statement_type)));
        }
        if wire.subject.is_empty() {
            return Err(StatementError::NoSubject);
        }
        if wire.subject.len() > SUBJECTS_MAX {
            return Err(StatementError::TooManySubjects(wire.subject.len()));
        }
        let subjects = wire.subject.into_iter().map(SubjectWire::read).collect::<Result<_, _>>()?;
        let predicate = Predicate::read(&wire.predicate_type, wire.predicate)?;
        Ok(Self { subjects, predicate })
    }

    /// Whether it is about this artifact.
    pub fn check_subject(&self, attached_to: &Digest) -> Result<(), StatementError> {
        if self.subjects.iter().any(|subject| subject.digest == *attached_to) {
            return Ok(());
        }
        let found = self.subjects.iter().map(|subject| subject.digest).collect();
        Err(StatementError::OtherSubject { attached_to: *attached_to, found })
    }
}

impl Predicate {
    /// Its type.
    pub fn uri(&self) -> &'static str {
        match self {
            Self::BuiltFrom(_) => built_from::URI,
            Self::AppliedIn(_) => applied_in::URI,
            Self::Rehearsed(_) => rehearsed::URI,
        }
    }

    /// Its type in a word, as people and the ledger read it.
    pub fn kind(&self) -> &'static str {
        kind_of(self.uri()).unwrap_or_default()
    }

    fn to_value(&self) -> Value {
        match self {
            Self::BuiltFrom(said) => said.to_value(),
            Self::AppliedIn(said) => said.to_value(),
            Self::Rehearsed(said) => said.to_value(),
        }
    }

    fn read(uri: &str, value: Value) -> Result<Self, StatementError> {
        let predicate = kind_of(uri).ok_or_else(|| StatementError::UnknownPredicate(shown(uri)))?;
        let read = match uri {
            built_from::URI => BuiltFrom::read(value).map(Self::BuiltFrom),
            applied_in::URI => AppliedIn::read(value).map(Self::AppliedIn),
            _ => Rehearsed::read(value).map(Self::Rehearsed),
        };
        read.map_err(|why| StatementError::Predicate { predicate, why })
    }
}

/// A predicate's type in a word, if Terrace knows it: `built-from`, `applied-in`, `rehearsed`.
pub fn kind_of(uri: &str) -> Option<&'static str> {
    match uri {
        built_from::URI => Some("built-from"),
        applied_in::URI => Some("applied-in"),
        rehearsed::URI => Some("rehearsed"),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests;
