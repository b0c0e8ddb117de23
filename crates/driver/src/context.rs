//! What all instances of a run share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use terrace_config::tree::{FileEntry, FileTree, ReadError};
use terrace_domain::digest::Digest;
use terrace_domain::estate::{Environment, Estate, Stack};
use terrace_domain::graph::Graph;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::run::{InstanceId, Mode};
use terrace_domain::value::Value;
pub use terrace_release::source::{Source, SourceError};
use terrace_release::tree::ReleaseTree;
use terrace_sandbox::PROVIDER_SOURCE;
use terrace_vault::Vault;
use terrace_world::terraform::{Environment as ProcessEnvironment, Terraform};

use crate::assess::Assessing;
use crate::digest_key::DigestKey;
use crate::home::Home;
use crate::instance::InstanceFolder;
use crate::witness::Witness;

/// What all instances of a run share. Immutable while the run goes on.
pub struct Context {
    /// The estate.
    pub estate: Arc<Estate>,
    /// Its graph.
    pub graph: Arc<Graph>,
    /// Plan or deliver.
    pub mode: Mode,
    /// Whether plans are also told in Terraform's own rendering, attribute by attribute.
    pub renders_plans: bool,
    /// Whether the facts of each plan that changes something are told.
    pub tells_facts: bool,
    /// The files of the commit (or of the work tree).
    pub tree: Arc<dyn FileTree + Send + Sync>,
    /// The code of each stack that may take part, and of those upstream of it.
    pub sources: BTreeMap<StackName, Source>,
    /// The digest of the source of what runs, for each instance that was delivered.
    pub delivered: BTreeMap<InstanceId, String>,
    /// The stacks whose outputs an instance of the run is sure to read: they are asked for as soon as they are there, so that nobody waits
    /// for them later.
    pub read: BTreeSet<StackName>,
    /// The environments in which people must approve plans: there it is determined what an approval covers.
    pub asking: BTreeSet<EnvironmentName>,
    /// The stacks that the order has verified: the evidence of their delivery waits for that.
    pub verifying: BTreeSet<StackName>,
    /// The releases of the stacks; empty when the work tree is planned.
    pub releases: BTreeMap<StackName, Digest>,
    /// The release that is delivered, where one is: modules that were fetched for it are laid out from there.
    pub release: Option<Arc<ReleaseTree>>,
    /// Where secrets are kept: saved plans that wait, and snapshots of states.
    pub vault: Arc<Vault>,
    /// Attaches evidence to what was delivered.
    pub witness: Option<Arc<Witness>>,
    /// Keys the digests of values: without it nobody can find a secret by trying.
    pub digest_key: DigestKey,
    /// How long the lock of somebody else on a state is waited for, in seconds.
    pub lock_wait_secs: u64,
    /// Who locks states when Terraform runs here, as Terraform writes it: `user@host`, for each name of the user.
    pub lockers: Vec<String>,
    /// The program.
    pub terraform: Terraform,
    /// What its processes see of the environment.
    pub process_environment: ProcessEnvironment,
    /// The `.terrace` folder.
    pub home: Home,
    /// Where the logs go.
    pub logs: PathBuf,
    /// What is different in a rehearsal; `None` in earnest.
    pub practice: Option<Practice>,
    /// The environments in which it is determined what plans would take away.
    pub weighing: BTreeSet<EnvironmentName>,
    /// What gates want to know of plans.
    pub assessing: Assessing,
    /// Beside what the code says: resources that were protected in what runs, as `TYPE.NAME`.
    pub protected: BTreeMap<StackName, BTreeSet<String>>,
    /// The sandbox cloud, where a stack asks for it.
    pub sandbox: Option<Arc<terrace_sandbox::Server>>,
}

/// What is different in a rehearsal: what is protected from destruction is not.
#[derive(Debug, Default)]
pub struct Practice {
    /// Values that stand in for the outputs of stacks, by who reads them and whose they are.
    pub stand_ins: BTreeMap<(StackName, StackName), BTreeMap<String, Value>>,
    /// The stacks of which the rehearsal began an apply before: nothing of the others may be there.
    pub begun: BTreeSet<StackName>,
    /// Whether it is told attribute by attribute what a plan would still change.
    pub compares: bool,
}

/// Whether the code asks for the sandbox cloud's provider.
pub fn uses_sandbox(source: &Source) -> bool {
    source.providers().iter().any(|address| is_sandbox(address))
}

/// Whether the code asks for a provider that Terraform has to install: any but the sandbox's, which is attached.
pub fn installs_providers(source: &Source) -> bool {
    source.providers().iter().any(|address| !is_sandbox(address))
}

/// Whether an address is the sandbox provider's, with a registry's host before it or without.
fn is_sandbox(source: &str) -> bool {
    source.strip_suffix(PROVIDER_SOURCE).is_some_and(|host| host.is_empty() || host.ends_with('/'))
}

impl Context {
    /// The environment of an instance.
    pub fn environment(&self, id: &InstanceId) -> &Environment {
        &self.estate.environments[&id.environment]
    }

    /// The stack of an instance.
    pub fn stack(&self, id: &InstanceId) -> &Stack {
        &self.estate.stacks[&id.stack]
    }

    /// What the stack of an instance is made of.
    pub fn source(&self, id: &InstanceId) -> &Source {
        &self.sources[&id.stack]
    }

    /// The folder of an instance.
    pub fn folder(&self, id: &InstanceId) -> InstanceFolder {
        let root = self.home.instance(id.environment.as_str(), id.stack.as_str());
        InstanceFolder::new(root, self.stack(id).folder.clone())
    }

    /// The identity by which an instance is known to clouds.
    pub fn identity(&self, id: &InstanceId) -> String {
        id.to_string()
    }

    /// The file for what a command says of an instance.
    pub fn log(&self, id: &InstanceId, what: &str) -> PathBuf {
        self.logs.join(id.environment.as_str()).join(format!("{}.{what}", id.stack))
    }

    /// Whether it is determined what the plans of an instance would take away.
    pub fn weighs(&self, id: &InstanceId) -> bool {
        self.weighing.contains(&id.environment)
    }

    /// The resources of a stack that `prevent_destroy` protects, or protected in what runs.
    pub fn protected_of(&self, stack: &StackName) -> BTreeSet<String> {
        let code = self.sources.get(stack).into_iter().flat_map(|source| &source.modules);
        let in_code = code.flat_map(|(_, facts)| facts.protected.iter().cloned());
        in_code.chain(self.protected.get(stack).into_iter().flatten().cloned()).collect()
    }

    /// Whether people must approve the plans of an instance.
    pub fn asks_people(&self, id: &InstanceId) -> bool {
        self.asking.contains(&id.environment)
    }

    /// Whether an instance is verified after its delivery.
    pub fn verifies(&self, id: &InstanceId) -> bool {
        self.verifying.contains(&id.stack)
    }

    /// The git blob id of a file's content, in hexadecimal.
    pub(crate) fn content_id(&self, entry: &FileEntry) -> Result<String, ReadError> {
        let id = terrace_world::tree::content_id(&*self.tree, entry)?;
        Ok(id.0.iter().fold(String::with_capacity(40), |mut text, byte| {
            use std::fmt::Write;
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}
