//! What a stack is made of. Owns the rule; a release, a delivery and a digest of a stack's source all mean these files.

use std::collections::BTreeSet;
use std::sync::Arc;

use terrace_config::tree::{FileEntry, FileKind, FileTree};
use terrace_config::{Code, Watches};
use terrace_domain::code::ModuleFacts;
use terrace_domain::estate::Stack;
use terrace_domain::path::RepoPath;
use terrace_world::workspace::with_link_targets;

/// What a stack is made of.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// All its files: of its folder, of the modules that it reaches, and those that it watches. Sorted by path.
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

    /// Whether the code calls modules that lie elsewhere: in a registry, in another repository.
    pub fn calls_remote_modules(&self) -> bool {
        self.modules.iter().flat_map(|(_, facts)| &facts.module_calls).any(|call| !call.is_local())
    }
}

#[cfg(test)]
mod tests {
    use terrace_config::fixture::MemoryTree;
    use terrace_config::{MemoryCache, load_code, load_estate};

    use super::*;

    const ESTATE: &str = r#"
//- terrace.hcl
estate "e" {}
environment "dev" {}
//- shared/notes.txt
//- shared/other.md
//- common/common.tf
locals {}
//- modules/a/main.tf
module "b" {
  source = "../b"
}
//- modules/b/main.tf
output "x" {
  value = 1
}
//- modules/unused/main.tf
//- stacks/one/stack.hcl
stack "one" {
  watch = ["shared/*.txt"]
}
//- stacks/one/main.tf
module "a" {
  source = "../../modules/a"
}
//- stacks/one/common.tf -> ../../common/common.tf
//- stacks/one/nowhere -> ../../gone
//- stacks/one/templates/t.tpl
//- stacks/two/stack.hcl
stack "two" {}
//- stacks/two/main.tf
module "r" {
  source = "git::https://example.com/r.git"
}
"#;

    fn source(stack: &str) -> Source {
        let tree = MemoryTree::parse(ESTATE);
        let estate = load_estate(&tree, &RepoPath::root()).estate.unwrap();
        let code = load_code(&tree, &estate, estate.stacks.values(), &MemoryCache::default());
        Source::of(&tree, &estate.stacks[stack], &code, &Watches::of(&estate)).unwrap()
    }

    #[test]
    fn a_stack_is_its_folder_its_modules_what_it_watches_and_where_links_lead() {
        let source = source("one");
        let paths: Vec<_> = source.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "common/common.tf",
                "modules/a/main.tf",
                "modules/b/main.tf",
                "shared/notes.txt",
                "stacks/one/common.tf",
                "stacks/one/main.tf",
                "stacks/one/stack.hcl",
                "stacks/one/templates/t.tpl",
            ]
        );
        assert_eq!(source.dangling, [RepoPath::new("stacks/one/nowhere").unwrap()]);
        assert!(!source.calls_remote_modules());
    }

    #[test]
    fn calls_of_remote_modules_are_seen() {
        assert!(source("two").calls_remote_modules());
    }
}
