//! What the configuration says of rehearsals: for the estate, and for a stack.

use std::collections::BTreeMap;

use crate::estate::Input;
use crate::expression::{Expression, Span};
use crate::name::EnvironmentName;
use crate::path::RepoPath;
use crate::plan::{Loss, LossKind};
use crate::value::Value;

/// `rehearsals { ... }` of `terrace.hcl`.
#[derive(Debug, Clone)]
pub struct RehearsalSettings {
    /// The environment whose values ephemeral ones have; `None`: the first stage's.
    pub like: Option<EnvironmentName>,
    /// What is different there; expressions may use `env.*` (of the ephemeral environment, before these) and `estate.name`.
    pub vars: BTreeMap<String, Expression>,
    /// How long one lives, in milliseconds.
    pub ttl_ms: u64,
    /// How many live at once, at most.
    pub live_max: u32,
}

/// How long an ephemeral environment lives where nothing is said: two hours.
const TTL_MS: u64 = 2 * 60 * 60 * 1000;
/// How many live at once where nothing is said.
const LIVE_MAX: u32 = 4;

impl Default for RehearsalSettings {
    fn default() -> Self {
        Self { like: None, vars: BTreeMap::new(), ttl_ms: TTL_MS, live_max: LIVE_MAX }
    }
}

/// `recovery { ... }` of `terrace.hcl`: the objectives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveryObjective {
    /// How long a recovery may take, in milliseconds (recovery time objective).
    pub rto_ms: Option<u64>,
    /// How often it is to be practised, in milliseconds.
    pub every_ms: Option<u64>,
}

/// `fixture "STACK" { ... }` of `stack.hcl`: what stands in for an upstream stack in a rehearsal.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// What stands in.
    pub source: FixtureSource,
    /// Where the block is.
    pub span: Span,
}

/// What stands in for a stack.
#[derive(Debug, Clone)]
pub enum FixtureSource {
    /// Values for its outputs, by name.
    Outputs(BTreeMap<String, Value>),
    /// A folder of Terraform code that is deployed in its place, with values for its variables.
    Folder {
        /// The folder.
        folder: RepoPath,
        /// Its inputs.
        inputs: BTreeMap<String, Input>,
    },
}

/// `upgrade { ... }` of `stack.hcl`: what an upgrade of the stack may take away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpgradeAllowance {
    /// Addresses or types of resources that may be replaced or destroyed, whatever they hold; `*` stands for any characters.
    pub allow: Vec<String>,
    /// How many others may be replaced or destroyed; `None`: any number, as long as they hold nothing.
    pub budget: Option<u64>,
}

impl UpgradeAllowance {
    /// What of these losses an upgrade is refused for, in words; empty when it is allowed.
    pub fn objections(&self, losses: &[Loss]) -> Vec<String> {
        let is_allowed = |loss: &Loss| {
            let fits = |pattern: &String| matches(pattern, &loss.address) || matches(pattern, &loss.resource_type);
            self.allow.iter().any(fits)
        };
        let (mut objections, mut others) = (Vec::new(), Vec::new());
        for loss in losses.iter().filter(|loss| !is_allowed(loss)) {
            match objection(loss) {
                Some(objection) => objections.push(objection),
                None => others.push(loss.address.as_str()),
            }
        }
        if let Some(budget) = self.budget.filter(|budget| others.len() as u64 > *budget) {
            let (count, names) = (others.len(), others.join(", "));
            objections
                .push(format!("{count} would be replaced or destroyed, and the stack's budget is {budget}: {names}"));
        }
        objections
    }
}

fn objection(loss: &Loss) -> Option<String> {
    let verb = match loss.kind {
        LossKind::Replace => "replaced",
        LossKind::Destroy => "destroyed",
    };
    let why = match (loss.is_stateful, loss.is_protected) {
        (_, true) => "it has `prevent_destroy`",
        (true, false) => "it holds data",
        (false, false) => return None,
    };
    let because = match &loss.because[..] {
        [] => String::new(),
        attributes => format!(" (because of {})", attributes.join(", ")),
    };
    Some(format!("{} would be {verb}{because}: {why}", loss.address))
}

/// Whether a pattern, in which `*` stands for any characters, fits a text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(address: &str, is_stateful: bool, is_protected: bool) -> Loss {
        let resource_type = address.split('.').next().unwrap_or_default().to_owned();
        let because = vec!["name".to_owned()];
        Loss { address: address.to_owned(), resource_type, kind: LossKind::Replace, is_stateful, is_protected, because }
    }

    #[test]
    fn patterns_fit_with_stars() {
        for (pattern, text, fits) in [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("a.*", "a.bc", true),
            ("*.b", "a.b", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("ab*b", "ab", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn what_holds_data_or_is_protected_is_not_taken_away() {
        let losses = [loss("db.main", true, false), loss("net.x", false, true), loss("svc.a", false, false)];
        let none = UpgradeAllowance::default();
        assert_eq!(
            none.objections(&losses),
            [
                "db.main would be replaced (because of name): it holds data",
                "net.x would be replaced (because of name): it has `prevent_destroy`"
            ]
        );
        let allowed = UpgradeAllowance { allow: vec!["db".to_owned(), "net.*".to_owned()], budget: None };
        assert!(allowed.objections(&losses).is_empty());
        let frugal = UpgradeAllowance { budget: Some(0), ..allowed };
        assert_eq!(
            frugal.objections(&losses),
            ["1 would be replaced or destroyed, and the stack's budget is 0: svc.a"]
        );
    }
}
