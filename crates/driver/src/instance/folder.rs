//! What lies where in an instance's folder.

use std::path::{Path, PathBuf};

use terrace_domain::path::RepoPath;
use terrace_world::workspace::PROVIDER_LOCK_FILE;

/// The name of the file by which Terrace sets the backend: Terraform merges `*_override.tf.json` over the stack's own blocks
/// (Terraform language, "Override Files").
const OVERRIDE_FILE: &str = "terrace_override.tf.json";

/// The name of the file with import blocks.
const IMPORT_FILE: &str = "terrace_import.tf";

/// The name of the variable file with the inputs.
pub(super) const INPUTS_FILE: &str = "inputs.tfvars.json";

/// The folder of an instance.
#[derive(Debug, Clone)]
pub struct InstanceFolder {
    root: PathBuf,
    stack: RepoPath,
}

impl InstanceFolder {
    /// The folder at `root` for a stack that lies at `stack` in its repository.
    pub fn new(root: PathBuf, stack: RepoPath) -> Self {
        Self { root, stack }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The part of the repository that the stack is made of, at its relative paths.
    pub fn tree(&self) -> PathBuf {
        self.root.join("tree")
    }

    /// Where Terraform works: the stack's folder in the tree.
    pub fn work(&self) -> PathBuf {
        self.tree().join(self.stack.as_str())
    }

    /// The override file for the backend, by its place in the tree.
    pub fn override_path(&self) -> RepoPath {
        self.stack.join(OVERRIDE_FILE).expect("a file name does not climb")
    }

    /// The override file for the backend.
    pub fn override_file(&self) -> PathBuf {
        self.work().join(OVERRIDE_FILE)
    }

    /// The import blocks by which a lost state is made again; there only while Terraform plans with them.
    pub fn import_file(&self) -> PathBuf {
        self.work().join(IMPORT_FILE)
    }

    /// The inputs; there only while Terraform plans.
    pub fn inputs(&self) -> PathBuf {
        self.root.join(INPUTS_FILE)
    }

    /// The instance's outputs; there only while its checks are asked.
    pub fn outputs(&self) -> PathBuf {
        self.root.join("outputs.json")
    }

    /// The saved plan; there only between plan and apply.
    pub fn plan(&self) -> PathBuf {
        self.root.join("plan.tfplan")
    }

    /// A state that is to take the place of the present one; there only while Terraform takes it.
    pub fn pushed_state(&self) -> PathBuf {
        self.root.join("pushed.tfstate")
    }

    /// The saved plan, encrypted: there while people have not yet approved it.
    pub fn sealed_plan(&self) -> PathBuf {
        self.root.join("plan.tfplan.age")
    }

    /// What is known of the Terraform that is at work with the state.
    pub(super) fn trace(&self) -> PathBuf {
        self.root.join("terraform.json")
    }

    /// What is known of a Terraform that died and may have left a lock.
    pub(super) fn left_behind(&self) -> PathBuf {
        self.root.join("left-behind.json")
    }

    /// The error output of the Terraform that is at work, or was last; held by it.
    pub fn errors(&self) -> PathBuf {
        errors_in(&self.root)
    }

    /// A state that Terraform could not save where it belongs.
    pub fn errored_state(&self) -> PathBuf {
        self.work().join("errored.tfstate")
    }

    /// The lock file that Terraform made or completed.
    pub fn provider_lock(&self) -> PathBuf {
        self.work().join(PROVIDER_LOCK_FILE)
    }

    /// Where Terraform keeps what backend it was initialised for.
    pub fn backend_record(&self) -> PathBuf {
        self.work().join(".terraform/terraform.tfstate")
    }

    /// What the last `terraform init` was made for.
    pub fn initialised(&self) -> PathBuf {
        self.root.join("initialised.json")
    }

    /// How many folders lie between where Terraform works and the instance's folder.
    pub fn depth(&self) -> usize {
        self.stack.parts().count() + 1
    }
}

/// In the folder of an instance, the error output of its Terraform.
pub fn errors_in(root: &Path) -> PathBuf {
    root.join("terraform.err")
}
