//! What Terrace knows about a folder of Terraform code (a module, in Terraform's words) without running Terraform.

pub mod part;

use std::collections::{BTreeMap, BTreeSet};

use crate::expression::Span;
use crate::path::RepoPath;

/// Facts read from the `.tf` and `.tf.json` files of one folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleFacts {
    /// `variable` blocks by name.
    pub variables: BTreeMap<String, Variable>,
    /// `output` blocks by name.
    pub outputs: BTreeMap<String, Output>,
    /// The names of `check` blocks: what Terraform itself looks at after an apply.
    pub checks: BTreeSet<String>,
    /// `module` blocks, in the order of file name and place.
    pub module_calls: Vec<ModuleCall>,
    /// `required_providers` entries by local name.
    pub required_providers: BTreeMap<String, RequiredProvider>,
    /// `required_version` constraints of `terraform` blocks, as written.
    pub required_version: Vec<String>,
    /// The `backend` block's type, where there is one.
    pub backend: Option<String>,
    /// The places of `backend` blocks in override files: in a root module these win over what any other file says.
    pub backend_overrides: Vec<(RepoPath, Span)>,
    /// Override files that could not be read as HCL: what they change is not known.
    pub unreadable_overrides: BTreeSet<RepoPath>,
    /// Whether there is a `cloud` block (HCP Terraform): it cannot be combined with a backend.
    pub cloud: bool,
    /// The managed resources, as `TYPE.NAME`.
    pub resources: BTreeSet<String>,
    /// Resources with `prevent_destroy`, as `TYPE.NAME`; an override file that says otherwise is not looked at.
    pub protected: BTreeSet<String>,
    /// Files that could not be read as HCL; Terraform may still understand them. What they hold is not known.
    pub unreadable: BTreeSet<RepoPath>,
}

/// A `variable` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The type constraint as written (`string`, `map(number)`); `None` where none is given.
    pub type_constraint: Option<String>,
    /// Whether it has a default, and so needs no input.
    pub has_default: bool,
    /// Whether it is marked `sensitive`.
    pub sensitive: bool,
    /// Whether it is marked `ephemeral`: its value is in no plan, and so is needed again when the plan is applied.
    pub ephemeral: bool,
    /// Where it is declared.
    pub declared: (RepoPath, Span),
}

/// An `output` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Whether it is marked `sensitive`.
    pub sensitive: bool,
    /// Where it is declared.
    pub declared: (RepoPath, Span),
}

/// A `module` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleCall {
    /// The block's label.
    pub name: String,
    /// The source as written.
    pub source: String,
    /// The version constraint as written.
    pub version: Option<String>,
    /// The file and the place of the source.
    pub place: (RepoPath, Span),
}

impl ModuleCall {
    /// Whether the source is a folder of the same repository (Terraform language, "Module Sources": local paths begin with `./`
    /// or `../`).
    pub fn is_local(&self) -> bool {
        self.source.starts_with("./") || self.source.starts_with("../") || matches!(self.source.as_str(), "." | "..")
    }
}

/// An entry of `required_providers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredProvider {
    /// The source address as written, such as `hashicorp/aws`; `None` means `hashicorp/NAME`.
    pub source: Option<String>,
    /// The version constraint as written.
    pub version: Option<String>,
}
