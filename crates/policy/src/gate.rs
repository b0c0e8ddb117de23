//! The policies of a gate: loaded once a run, asked once an instance. Owns that whatever goes wrong makes the verdict undecidable, so that the gate
//! refuses.

use serde_json::Value as Json;
use terrace_config::tree::FileTree;
use terrace_config::{policy_namespaces, policy_paths};
use terrace_domain::estate::{Estate, Gate};
use terrace_domain::policy::PolicyVerdict;

use crate::error::{PolicyError, Problem};
use crate::evaluate::Limits;
use crate::files;
use crate::input::{self, InputError, Own};
use crate::policies::Policies;
use crate::rules::Namespaces;

/// The policies of a gate, whether they can be used or not. May be shared by threads.
#[derive(Debug)]
pub struct GatePolicies {
    policies: Result<Policies, PolicyError>,
    namespaces: Namespaces,
    limits: Limits,
}

impl GatePolicies {
    /// Reads and compiles them out of the tree that is delivered: a release's.
    pub fn load(tree: &dyn FileTree, estate: &Estate, gate: &Gate) -> Self {
        let paths = policy_paths(estate, gate).map_err(|outside| Problem::in_file("", outside.to_string()).into());
        let policies = paths.and_then(|paths| files::load(tree, &estate.root, &paths));
        Self { policies, namespaces: Namespaces::of(policy_namespaces(gate)), limits: Limits::default() }
    }

    /// Asks them about a plan as `terraform show -json` prints it.
    pub fn ask(&self, plan: &[u8], own: &Own<'_>) -> PolicyVerdict {
        self.answer(|| input::read(plan, own))
    }

    /// Asks them about a plan that is JSON already.
    pub fn ask_json(&self, plan: Json, own: &Own<'_>) -> PolicyVerdict {
        self.answer(|| input::document(plan, own))
    }

    fn answer(&self, input: impl FnOnce() -> Result<Json, InputError>) -> PolicyVerdict {
        let undecidable = |why: String| PolicyVerdict { undecidable: Some(why), ..PolicyVerdict::default() };
        let policies = match &self.policies {
            Ok(policies) => policies,
            Err(error) => return undecidable(error.to_string()),
        };
        match input() {
            Ok(input) => policies.evaluate(input, &self.namespaces, &self.limits).verdict(),
            Err(error) => undecidable(error.to_string()),
        }
    }
}
