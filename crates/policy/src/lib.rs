//! What policies say of a plan: Rego as it is written for conftest and OPA, evaluated in this process. Owns the interpreter, its limits, what
//! it is given as `input`, and how policies are tested. Reads no disk and no network: policies come as bytes, or through `FileTree`.

mod builtins;
mod data;
mod diagnose;
mod error;
mod evaluate;
pub mod files;
mod finding;
mod gate;
pub mod input;
mod policies;
mod rules;
mod stack;
mod syntax;
mod testing;

pub use diagnose::diagnose;
pub use error::{PolicyError, Problem};
pub use evaluate::{Evaluation, Limits};
pub use finding::{Exception, Finding, Severity};
pub use gate::GatePolicies;
pub use policies::{FILE_BYTES_MAX, POLICIES_BYTES_MAX, Policies, PolicyFile};
pub use rules::{NAMESPACE_DEFAULT, Namespaces, RuleName};
pub use testing::{TestCase, TestOutcome, TestReport};
