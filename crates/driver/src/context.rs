//! What all instances of a run share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use terrace_config::tree::{FileEntry, FileKind, FileTree, ReadError};
use terrace_config::{Code, Watches};
use terrace_domain::code::ModuleFacts;
use terrace_domain::estate::{Environment, Estate, Stack};
use terrace_domain::graph::Graph;
use terrace_domain::name::{EnvironmentName, StackName};
use terrace_domain::path::RepoPath;
use terrace_domain::run::Mode;
use terrace_sandbox::PROVIDER_SOURCE;
use terrace_world::terraform::{Environment as ProcessEnvironment, Terraform};
use terrace_world::workspace::with_link_targets;

use crate::home::Home;
use crate::instance::InstanceFolder;

/// What all instances of a run share. Immutable while the run goes on.
pub struct Context {
    /// The estate.
    pub estate: Arc<Estate>,
    /// Its graph.
    pub graph: Arc<Graph>,
    /// The environment's name; it is one of the estate's.
    pub environment: EnvironmentName,
    /// Plan or deliver.
    pub mode: Mode,
    /// Whether plans are also told in Terraform's own rendering, attribute by attribute.
    pub renders_plans: bool,
    /// The files of the commit (or of the work tree).
    pub tree: Arc<dyn FileTree + Send + Sync>,
    /// The code of each stack that may take part, and of those upstream of it.
    pub sources: BTreeMap<StackName, Source>,
    /// The digest of the source of what runs, for each stack that was delivered to the environment.
    pub delivered: BTreeMap<StackName, String>,
    /// The stacks whose outputs an instance of the run is sure to read: they are asked for as soon as they are there, so that nobody waits
    /// for them later.
    pub read: BTreeSet<StackName>,
    /// The program.
    pub terraform: Terraform,
    /// What its processes see of the environment.
    pub process_environment: ProcessEnvironment,
    /// The `.terrace` folder.
    pub home: Home,
    /// Where the logs go.
    pub logs: PathBuf,
    /// The sandbox cloud, where a stack asks for it.
    pub sandbox: Option<Arc<terrace_sandbox::Server>>,
}

/// What a stack is made of.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// All its files: of its folder, of the modules that it reaches, and those that it watches.
    pub files: Vec<FileEntry>,
    /// What is known of its folder (first) and of its modules.
    pub modules: Vec<(RepoPath, Arc<ModuleFacts>)>,
    /// Symbolic links that lead to nothing; they are not among the files.
    pub dangling: Vec<RepoPath>,
}

/// A stack's source cannot be put together.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SourceError(#[from] terrace_world::workspace::LinkError);

impl Source {
    /// Puts together what a stack is made of: its folder, the modules that it reaches, what it watches, and all that symbolic links
    /// among them lead to.
    pub fn of(tree: &dyn FileTree, stack: &Stack, code: &Code, watches: &Watches) -> Result<Self, SourceError> {
        let mut modules = Vec::new();
        let mut files = Vec::new();
        let reached = code.reached(&stack.name).into_iter().map(|(folder, _)| folder);
        for folder in std::iter::once(stack.folder.clone()).chain(reached) {
            files.extend_from_slice(tree.below(&folder));
            if let Some(facts) = code.modules.get(&folder) {
                modules.push((folder, Arc::clone(facts)));
            }
        }
        for watch in &stack.watch {
            files.extend(watches.files(&watch.pattern, tree).cloned());
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        let mut dangling = Vec::new();
        if files.iter().any(|entry| entry.kind == FileKind::Symlink) {
            let linked = with_link_targets(tree, &files)?;
            (files, dangling) = (linked.files, linked.dangling);
        }
        Ok(Self { files, modules, dangling })
    }

    /// The addresses of all providers that the code asks for, as written (`hashicorp/NAME` where only a name is given).
    pub fn providers(&self) -> BTreeSet<String> {
        let required = self.modules.iter().flat_map(|(_, facts)| &facts.required_providers);
        required.map(|(name, asked)| asked.source.clone().unwrap_or_else(|| format!("hashicorp/{name}"))).collect()
    }

    /// Whether the code asks for the sandbox cloud's provider.
    pub fn uses_sandbox(&self) -> bool {
        self.providers().iter().any(|source| is_sandbox(source))
    }

    /// Whether the code asks for a provider that Terraform has to install: any but the sandbox's, which is attached.
    pub fn installs_providers(&self) -> bool {
        self.providers().iter().any(|source| !is_sandbox(source))
    }
}

/// Whether an address is the sandbox provider's, with a registry's host before it or without.
fn is_sandbox(source: &str) -> bool {
    source.strip_suffix(PROVIDER_SOURCE).is_some_and(|host| host.is_empty() || host.ends_with('/'))
}

impl Context {
    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.estate.environments[&self.environment]
    }

    /// A stack of the estate.
    pub fn stack(&self, name: &StackName) -> &Stack {
        &self.estate.stacks[name]
    }

    /// The folder of a stack's instance.
    pub fn folder(&self, stack: &StackName) -> InstanceFolder {
        let root = self.home.instance(self.environment.as_str(), stack.as_str());
        InstanceFolder::new(root, self.stack(stack).folder.clone())
    }

    /// The identity by which a stack's instance is known to clouds.
    pub fn identity(&self, stack: &StackName) -> String {
        format!("{}/{stack}", self.environment)
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
