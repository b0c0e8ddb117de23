//! Whether a plan is of a stack: what it makes, changes and gives must be in the stack's code. Owns what of a plan can be held against code; what a
//! plan takes away is in no code any more, and proves nothing.

use std::collections::BTreeSet;

use terrace_domain::code::ModuleFacts;
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::plan::{Action, PlanFacts};
use terrace_domain::state::without_keys;

use super::Code;

/// How well a plan fits a stack's code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit {
    /// How many changes are of what the code has.
    pub found: usize,
    /// What the plan makes, changes or gives and the code does not have, in words, at most [`MISFITS_MAX`].
    pub misfits: BTreeSet<String>,
}

/// How many misfits are told.
pub const MISFITS_MAX: usize = 5;

/// Built into Terraform: it reaches nothing.
const BUILT_IN: &str = "terraform";
/// Where providers come from where their source names no registry.
const DEFAULT_REGISTRIES: [&str; 2] = ["registry.terraform.io/", "registry.opentofu.org/"];

impl Fit {
    /// Whether something speaks for it and nothing against it.
    pub fn is_proven(&self) -> bool {
        self.found > 0 && self.misfits.is_empty()
    }

    fn note(&mut self, fits: Result<bool, String>) {
        match fits {
            Ok(is_known) => self.found += usize::from(is_known),
            Err(misfit) if self.misfits.len() < MISFITS_MAX => drop(self.misfits.insert(misfit)),
            Err(_) => {}
        }
    }
}

impl Code {
    /// Holds a plan against a stack's code. What lies in modules from elsewhere, and in files that cannot be read, fits anyhow.
    pub fn fit(&self, stack: &StackName, facts: &PlanFacts) -> Fit {
        let mut fit = Fit::default();
        let Some((folder, root)) = self.folders.get(stack).and_then(|folder| Some((folder, self.facts(folder)?)))
        else {
            return fit;
        };
        for change in facts.resources.iter().filter(|change| stays(change.action) && change.deposed.is_none()) {
            fit.note(self.has_resource(folder, &change.address));
        }
        for output in facts.outputs.iter().filter(|output| stays(output.action)) {
            let is_there = root.outputs.contains_key(&output.name);
            fit.note(found(root, is_there, || format!("the output `{}`", output.name)));
        }
        fit
    }

    /// Whether the code has a resource; `Ok(false)` where that cannot be told.
    fn has_resource(&self, folder: &RepoPath, address: &str) -> Result<bool, String> {
        let plain = without_keys(address);
        let mut parts = plain.split('.');
        let mut folder = folder.clone();
        let mut part = parts.next().unwrap_or_default();
        while part == "module" {
            let name = parts.next().unwrap_or_default();
            let Some(facts) = self.facts(&folder) else { return Ok(false) };
            let Some(call) = facts.module_calls.iter().find(|call| call.name == name) else {
                return found(facts, false, || format!("the module `{name}` of `{address}`"));
            };
            let Some(called) =
                Some(&call.source).filter(|_| call.is_local()).and_then(|source| folder.join(source).ok())
            else {
                return Ok(false);
            };
            folder = called;
            part = parts.next().unwrap_or_default();
        }
        let Some(facts) = self.facts(&folder) else { return Ok(false) };
        let resource = format!("{part}.{}", parts.next().unwrap_or_default());
        found(facts, facts.resources.contains(&resource), || format!("the resource `{address}`"))
    }

    /// The providers that a stack's code uses, by source address without the default registry: those that its folder and the local modules that
    /// it reaches ask for, and those that their resources imply.
    pub fn providers(&self, stack: &StackName) -> BTreeSet<String> {
        let Some(folder) = self.folders.get(stack) else { return BTreeSet::new() };
        let reached = self.reached(stack);
        let folders = std::iter::once(folder).chain(reached.iter().map(|(folder, _)| folder));
        let mut providers = BTreeSet::new();
        for facts in folders.filter_map(|folder| self.facts(folder)) {
            for (name, required) in &facts.required_providers {
                providers.insert(required.source.as_deref().map_or_else(|| implied(name), provider_source));
            }
            let kinds = facts.resources.iter().filter_map(|resource| resource.split(['_', '.']).next());
            let names: BTreeSet<&str> = kinds.filter(|name| *name != BUILT_IN).collect();
            providers
                .extend(names.into_iter().filter(|name| !facts.required_providers.contains_key(*name)).map(implied));
        }
        providers
    }
}

/// The provider that Terraform takes for a name without a source (Terraform language, "Provider Requirements").
fn implied(name: &str) -> String {
    format!("hashicorp/{name}")
}

/// A provider's source address, as two that mean the same are written the same.
pub fn provider_source(address: &str) -> String {
    let address = address.to_ascii_lowercase();
    let bare = DEFAULT_REGISTRIES.iter().find_map(|registry| address.strip_prefix(registry));
    bare.map_or_else(|| address.clone(), str::to_owned)
}

fn stays(action: Action) -> bool {
    !matches!(action, Action::Delete | Action::Forget)
}

/// What was looked for in a folder: there, missing, or perhaps in a file that cannot be read.
fn found(facts: &ModuleFacts, is_there: bool, what: impl Fn() -> String) -> Result<bool, String> {
    if is_there || !facts.unreadable.is_empty() { Ok(is_there) } else { Err(what()) }
}
