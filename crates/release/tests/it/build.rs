//! What is built, and when it is the same.

use std::collections::BTreeSet;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_config::tree::{FileKind, FileTree};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::release::{diff, diff_estates};
use terrace_release::tree::ReleaseTree;
use terrace_release::verify::verify;
use terrace_release::{oci, stored};
use terrace_world::tree::CommitTree;

use crate::shop::{FILES, Shop, build_memory};

fn names(stacks: &BTreeSet<StackName>) -> Vec<&str> {
    stacks.iter().map(StackName::as_str).collect()
}

#[test]
fn the_policies_of_gates_are_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = FILES.replace(
        "{ environment = \"dev\" }",
        "{\n    environment = \"dev\"\n    gate \"policy\" { path = \"rules\" }\n  }",
    );
    let policies = "//- rules/main.rego\npackage main\n//- rules/lib/limits.yaml\na: 1\n//- rules/README.md\n//- policy/other.rego\npackage other\n";
    let tree = MemoryTree::parse(&(text + policies));
    let (layout, built) = build_memory(&tree, folder.path());
    let release = ReleaseTree::open(&layout, &built.descriptor).unwrap();
    let below = |folder: &str| -> Vec<&str> {
        release.below(&RepoPath::new(folder).unwrap()).iter().map(|entry| entry.path.as_str()).collect()
    };
    assert_eq!((below("rules"), below("policy")), (vec!["rules/lib/limits.yaml", "rules/main.rego"], vec![]));
    let policy = release.find(&RepoPath::new("rules/main.rego").unwrap()).unwrap();
    assert_eq!(release.read(policy).unwrap(), b"package main\n");
    assert!(verify(&layout, &built.descriptor, None).unwrap().problems.is_empty());
}

#[test]
fn only_what_changed_is_new() {
    let shop = Shop::new();
    let first = shop.build();
    assert_eq!((names(&first.new), names(&first.kept)), (vec!["base", "web"], vec![]));
    shop.repository.write("stacks/web/main.tf", "variable \"base\" {}\n");
    shop.repository.commit("Change web");
    let second = shop.build();
    assert_eq!((names(&second.new), names(&second.kept)), (vec!["web"], vec!["base"]));
    assert_ne!(first.release.digest, second.release.digest);
    let found = diff_estates(&first.release, &second.release);
    assert_eq!(found.stacks.changed.len(), 1);
    assert!(!found.estate_file);
    let contract = |built: &terrace_release::build::Built| {
        ReleaseTree::open(&shop.layout, &built.descriptor).unwrap().contract(&"web".parse().unwrap()).unwrap().clone()
    };
    let found = diff(&contract(&first), &contract(&second));
    assert_eq!(found.variables.changed["base"].0.type_constraint.as_deref(), Some("string"));
    assert_eq!(found.variables.changed["base"].1.type_constraint, None);
    // The module is not reached any more, nor its provider.
    assert_eq!(found.providers.removed.keys().collect::<Vec<_>>(), ["hashicorp/aws"]);
    assert_eq!(found.files.removed.len(), 1);
}

#[test]
fn another_team_or_commit_makes_no_new_release_of_a_stack() {
    let shop = Shop::new();
    let first = shop.build();
    shop.repository.write(
        "terrace.hcl",
        FILES.split("//- ").nth(1).unwrap().split_once('\n').unwrap().1.replace("team-platform", "team-x"),
    );
    shop.repository.commit("Another team");
    let second = shop.build();
    assert_eq!(second.new, BTreeSet::new());
    assert_eq!(first.release.stacks, second.release.stacks);
    assert_ne!(first.release.estate, second.release.estate);
}

#[test]
fn a_release_is_the_same_in_every_layout_and_is_built_again_where_it_is_lost() {
    let shop = Shop::new();
    let first = shop.build();
    let other = shop.other_layout("other");
    assert_eq!(shop.build_into(&other, &crate::shop::Nobody, false).unwrap().descriptor, first.descriptor);
    assert!(verify(&other, &first.descriptor, None).unwrap().problems.is_empty());
    // The memory is lost: it is learnt again from the releases.
    std::fs::remove_file(other.folder().join("terrace-memory-1")).unwrap();
    let again = shop.build_into(&other, &crate::shop::Nobody, false).unwrap();
    assert_eq!((again.new.len(), again.kept.len()), (0, 2));
    // A layer is lost: the memory is not believed.
    let web = stored::estate_release(&other, &first.descriptor).unwrap().stacks["web"].clone();
    let layer = stored::stack(&other, &web).unwrap().manifest.layers[0].digest;
    std::fs::remove_file(other.blob_path(&layer)).unwrap();
    shop.build_into(&other, &crate::shop::Nobody, false).unwrap();
    assert!(verify(&other, &first.descriptor, None).unwrap().problems.is_empty());
}

#[test]
fn a_memory_that_lies_is_not_believed() {
    let shop = Shop::new();
    let first = shop.build();
    let path = shop.layout.folder().join("terrace-memory-1");
    let text = std::fs::read_to_string(&path).unwrap();
    let [base, web] = ["base", "web"].map(|name| first.release.stacks[name].to_string());
    let swapped = text.replace(&base, "@").replace(&web, &base).replace('@', &web);
    assert_ne!(text, swapped);
    std::fs::write(&path, swapped).unwrap();
    assert_eq!(shop.build().release, first.release);
    for end in 0..text.len() {
        std::fs::write(&path, &text[..end]).unwrap();
        assert_eq!(shop.build().release, first.release);
    }
}

#[test]
fn the_tree_of_a_release_is_the_tree_of_the_commit() {
    let shop = Shop::new();
    let built = shop.build();
    let tree = ReleaseTree::open(&shop.layout, &built.descriptor).unwrap();
    let loaded = load_estate(&tree, &RepoPath::root());
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.estate.unwrap().stacks.len(), 2);
    let repository = terrace_world::git::Repository::discover(shop.repository.root()).unwrap();
    let commit = CommitTree::open(&repository, repository.head().unwrap().id).unwrap();
    assert_eq!(tree.files().len(), commit.files().len());
    for entry in tree.files() {
        let own = commit.find(&entry.path).unwrap();
        assert_eq!((own.kind, own.id), (entry.kind, entry.id), "{}", entry.path);
        assert_eq!(tree.read(entry).unwrap(), commit.read(own).unwrap());
    }
    assert!(tree.vendored(&"web".parse().unwrap()).unwrap().is_none());
}

#[test]
fn the_documents_are_those_of_the_specification() {
    let shop = Shop::new();
    let built = shop.build();
    let bytes = shop.layout.read(&built.descriptor).unwrap();
    let index = oci_spec::image::ImageIndex::from_reader(&bytes[..]).unwrap();
    let listed: Vec<_> = index.manifests().iter().map(|entry| entry.annotations().clone().unwrap()).collect();
    assert_eq!(listed[0]["dev.terrace.estate"], "shop");
    assert_eq!(listed[1]["dev.terrace.stack"], "base");
    assert_eq!(listed[2]["dev.terrace.stack"], "web");
    let manifest = shop.layout.read_blob(&built.release.stacks["web"]).unwrap();
    let manifest = oci_spec::image::ImageManifest::from_reader(&manifest[..]).unwrap();
    assert_eq!(manifest.artifact_type().as_ref().unwrap().to_string(), terrace_release::RELEASE_TYPE);
    let annotations = index.annotations().as_ref().unwrap();
    assert_eq!(annotations["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
    assert_eq!(annotations["org.opencontainers.image.revision"], built.release.commit);
    assert_eq!(annotations["dev.terrace.estate"], "shop");
    assert_eq!(annotations["dev.terrace.commit.subject"], "First");
    oci_spec::image::OciLayout::from_file(shop.layout.folder().join("oci-layout")).unwrap();
    oci_spec::image::ImageIndex::from_file(shop.layout.folder().join("index.json")).unwrap();
}

#[test]
fn a_submodule_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let layout = terrace_release::layout::Layout::open_or_create(&folder.path().join("l")).unwrap();
    let tree = MemoryTree::parse(&format!("{FILES}//- stacks/web/vendor @submodule\n"));
    let commit =
        terrace_release::build::CommitFacts { id: "c".repeat(40), committed_at_secs: 0, subject: None, author: None };
    let error = crate::shop::build_tree(&tree, &layout, &commit, &crate::shop::Nobody, folder.path(), false);
    let text = format!("{:?}", error.unwrap_err());
    assert!(text.contains("submodule") || text.contains("Submodule"), "{text}");
    assert_eq!(layout.index().unwrap().manifests, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_same_tree_makes_the_same_digests(
        files in btree_map("[a-e]{1,3}(/[a-e]{1,3})?", (any::<bool>(), vec(any::<u8>(), 0..200)), 0..12),
        order in any::<u64>(),
    ) {
        let base = MemoryTree::parse(FILES);
        let mut all: Vec<_> = base.files().iter().map(|entry| (entry.path.clone(), entry.kind, base.read(entry).unwrap())).collect();
        let is_folder = |path: &str| files.keys().any(|other| other.starts_with(&format!("{path}/")));
        for (path, (executable, content)) in &files {
            if !is_folder(path) {
                let kind = if *executable { FileKind::Executable } else { FileKind::Regular };
                all.push((RepoPath::new(&format!("stacks/web/x/{path}")).unwrap(), kind, content.clone()));
            }
        }
        let one = tempfile::tempdir().unwrap();
        let (layout, built) = build_memory(&MemoryTree::new(all.clone()), one.path());
        // Another order of files, another place, another number of threads.
        all.sort_by_key(|(path, _, _)| oci::digest_of(format!("{order} {path}").as_bytes()));
        let two = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let (_, again) = pool.install(|| build_memory(&MemoryTree::new(all.clone()), two.path()));
        prop_assert_eq!(&built.release, &again.release);
        prop_assert!(verify(&layout, &built.descriptor, None).unwrap().problems.is_empty());
        let tree = ReleaseTree::open(&layout, &built.descriptor).unwrap();
        for (path, kind, content) in &all {
            let entry = tree.find(path).unwrap();
            prop_assert_eq!(entry.kind, *kind);
            prop_assert_eq!(&tree.read(entry).unwrap(), content);
        }
    }
}
