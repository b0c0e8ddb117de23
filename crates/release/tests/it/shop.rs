//! The estate of these tests, in a git repository of its own, and how its releases are built.

use std::path::{Path, PathBuf};

use terrace_config::fixture::MemoryTree;
use terrace_config::tree::FileTree;
use terrace_config::{MemoryCache, Watches, load_code, load_estate};
use terrace_domain::path::RepoPath;
use terrace_release::build::{BuildError, BuildOptions, Built, CommitFacts, Recipe, build};
use terrace_release::layout::Layout;
use terrace_release::vendor::{InstallError, ModuleInstaller};
use terrace_testkit::fixture;
use terrace_testkit::repository::Repository;
use terrace_world::git;
use terrace_world::tree::CommitTree;

pub(crate) const FILES: &str = r#"
//- terrace.hcl
estate "shop" {}
environment "dev" {}
pipeline {
  stage "dev" { environment = "dev" }
}
capability "platform" {
  layer = "technology"
  owner = "team-platform"
}
//- shared/notes.txt
read by web
//- modules/store/main.tf
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}
//- stacks/base/stack.hcl
stack "base" {
  capability = "platform"
}
//- stacks/base/main.tf
module "store" {
  source = "../../modules/store"
}
variable "size" {
  type    = number
  default = 1
}
output "id" {
  value     = 1
  sensitive = true
}
//- stacks/web/stack.hcl
stack "web" {
  owner  = "team-web"
  watch  = ["shared/*.txt"]
  inputs = { base = stack.base.id }
}
//- stacks/web/main.tf
module "store" {
  source = "../../modules/store"
}
variable "base" {
  type = string
}
"#;

/// Modules are not fetched in tests that call none.
pub(crate) struct Nobody;

impl ModuleInstaller for Nobody {
    fn install(&self, _: &Path) -> Result<(), InstallError> {
        Err(InstallError("nothing is to be fetched here".to_owned()))
    }
}

/// The estate, and a layout beside it.
pub(crate) struct Shop {
    pub(crate) repository: Repository,
    pub(crate) layout: Layout,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let repository = Repository::empty();
        for (path, text) in fixture::files(FILES) {
            repository.write(path, text);
        }
        repository.write("stacks/web/run.sh", "#!/bin/sh\n");
        repository.set_executable("stacks/web/run.sh", true);
        repository.link("stacks/web/notes.txt", "../../shared/notes.txt");
        repository.commit("First");
        let layout = Layout::open_or_create(&repository.beside("releases")).unwrap();
        Self { repository, layout }
    }

    pub(crate) fn build(&self) -> Built {
        self.build_into(&self.layout, &Nobody, false).unwrap()
    }

    pub(crate) fn build_into(
        &self,
        layout: &Layout,
        installer: &dyn ModuleInstaller,
        refresh: bool,
    ) -> Result<Built, BuildError> {
        let repository = git::Repository::discover(self.repository.root()).unwrap();
        let head = repository.head().unwrap();
        let tree = CommitTree::open(&repository, head.id).unwrap();
        let commit = CommitFacts {
            id: head.id.to_string(),
            committed_at_secs: head.committed_at_secs,
            subject: Some(head.subject),
            author: Some("Carol Example <carol@example.com>".to_owned()),
        };
        build_tree(&tree, layout, &commit, installer, &self.scratch(), refresh)
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        let scratch = self.repository.beside("scratch");
        std::fs::create_dir_all(&scratch).unwrap();
        scratch
    }

    /// Another layout beside the repository.
    pub(crate) fn other_layout(&self, name: &str) -> Layout {
        Layout::open_or_create(&self.repository.beside(name)).unwrap()
    }
}

pub(crate) fn build_tree(
    tree: &dyn FileTree,
    layout: &Layout,
    commit: &CommitFacts,
    installer: &dyn ModuleInstaller,
    scratch: &Path,
    refresh: bool,
) -> Result<Built, BuildError> {
    let loaded = load_estate(tree, &RepoPath::root());
    assert_eq!(loaded.diagnostics, []);
    let estate = loaded.estate.unwrap();
    let code = load_code(tree, &estate, estate.stacks.values(), &MemoryCache::default());
    let watches = Watches::of(&estate);
    let recipe = Recipe { tree, estate: &estate, code: &code, watches: &watches, commit };
    build(layout, &recipe, &BuildOptions { installer, scratch, refresh, mend: false })
}

/// A tree in memory, built into a new layout in `folder`.
pub(crate) fn build_memory(tree: &MemoryTree, folder: &Path) -> (Layout, Built) {
    let layout = Layout::open_or_create(&folder.join("releases")).unwrap();
    let commit = CommitFacts { id: "c".repeat(40), committed_at_secs: 1_700_000_000, subject: None, author: None };
    let built = build_tree(tree, &layout, &commit, &Nobody, folder, false).unwrap();
    (layout, built)
}
