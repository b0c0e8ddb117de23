//! Laying out work folders.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use terrace_config::fixture::MemoryTree;
use terrace_config::tree::{FileEntry, FileKind, FileTree, ReadError};
use terrace_domain::path::RepoPath;
use terrace_testkit::repository::Repository as Fixture;
use terrace_world::git::Repository;
use terrace_world::tree::{CommitTree, WorkTree};
use terrace_world::workspace::{LaidOut, LayoutError, LinkError, Workspace, with_link_targets};

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

struct Place {
    folder: tempfile::TempDir,
    workspace: Workspace,
}

impl Place {
    fn new() -> Self {
        Self::protecting(&[])
    }

    fn protecting(protected: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(folder.path().join("dev/aws-network"), protected.iter().map(|text| path(text)));
        Self { folder, workspace }
    }

    fn lay_out(&self, tree: &dyn FileTree) -> Result<LaidOut, LayoutError> {
        self.workspace.lay_out(tree, tree.files())
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.workspace.folder().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.workspace.folder().join(path)).unwrap()
    }

    fn files(&self) -> BTreeMap<String, String> {
        on_disk(self.workspace.folder())
    }

    /// Names beside the work folder.
    fn beside(&self) -> Vec<String> {
        let parent = self.workspace.folder().parent().unwrap();
        let mut names: Vec<String> =
            parent.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Every file as kind and text, and every empty folder, so that nothing left over goes unseen.
fn on_disk(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(inside) = waiting.pop() {
        let entries: Vec<_> = folder.join(&inside).read_dir().unwrap().map(Result::unwrap).collect();
        if entries.is_empty() && inside != Path::new("") {
            found.insert(inside.to_string_lossy().into_owned(), "empty folder".to_owned());
        }
        for entry in entries {
            let name = inside.join(entry.file_name());
            let metadata = entry.path().symlink_metadata().unwrap();
            if metadata.is_dir() {
                waiting.push(name);
                continue;
            }
            let text = if metadata.is_symlink() {
                format!("-> {}", entry.path().read_link().unwrap().display())
            } else {
                let executable = if metadata.permissions().mode() & 0o111 == 0 { "" } else { "x " };
                format!("{executable}{}", fs::read_to_string(entry.path()).unwrap())
            };
            found.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    found
}

fn pairs(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn the_folder_holds_what_the_list_says() {
    let place = Place::new();
    let first = MemoryTree::parse("//- stacks/a/main.tf\none\n//- stacks/a/b c/größe.txt\nx\n//- modules/m/m.tf\nm\n");
    assert_eq!(place.lay_out(&first).unwrap(), LaidOut { written: 3, removed: 0 });
    assert_eq!(
        place.files(),
        pairs(&[("modules/m/m.tf", "m\n"), ("stacks/a/b c/größe.txt", "x\n"), ("stacks/a/main.tf", "one\n")])
    );
    assert_eq!(place.beside(), ["aws-network", "aws-network.files.json"]);
    let second = MemoryTree::parse("//- stacks/a/main.tf\ntwo\n//- modules/m/m.tf\nm\n//- stacks/a/new.tf\n");
    assert_eq!(place.lay_out(&second).unwrap(), LaidOut { written: 2, removed: 1 });
    assert_eq!(
        place.files(),
        pairs(&[("modules/m/m.tf", "m\n"), ("stacks/a/main.tf", "two\n"), ("stacks/a/new.tf", "")])
    );
    assert_eq!(place.lay_out(&MemoryTree::default()).unwrap(), LaidOut { written: 0, removed: 3 });
    assert_eq!(place.files(), pairs(&[]));
}

#[test]
fn nothing_is_touched_when_nothing_changed() {
    let place = Place::new();
    let tree = MemoryTree::parse("//- a/main.tf\none\n//- a/run.sh\n//- l -> a/main.tf\n");
    place.lay_out(&tree).unwrap();
    let manifest = place.workspace.folder().with_file_name("aws-network.files.json");
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&path.symlink_metadata().unwrap());
    let before = (inode(&manifest), inode(&place.workspace.folder().join("a/main.tf")));
    assert!(!place.lay_out(&tree).unwrap().is_changed());
    assert_eq!(before, (inode(&manifest), inode(&place.workspace.folder().join("a/main.tf"))));
}

#[test]
fn what_others_made_stays_and_what_they_changed_is_mended() {
    let place = Place::protecting(&["a/terrace_override.tf.json", "a/terrace.auto.tfvars.json"]);
    let tree = MemoryTree::parse("//- a/main.tf\none\n//- a/data/x.json\n{}\n");
    place.lay_out(&tree).unwrap();
    for kept in [
        "a/.terraform/providers/x",
        "a/.terraform.lock.hcl",
        "a/terraform.tfstate",
        "a/errored.tfstate",
        "a/kubeconfig",
        "a/terrace_override.tf.json",
        "a/terrace.auto.tfvars.json",
        "a/data/made.json",
    ] {
        place.write(kept, "kept");
    }
    assert!(!place.lay_out(&tree).unwrap().is_changed());
    place.write("a/main.tf", "by hand");
    place.write("a/extra.tf", "by hand");
    place.write("a/terraform.tfvars", "by hand");
    fs::remove_file(place.workspace.folder().join("a/data/x.json")).unwrap();
    assert_eq!(place.lay_out(&tree).unwrap(), LaidOut { written: 2, removed: 2 });
    assert_eq!(place.text("a/main.tf"), "one\n");
    assert_eq!(place.text("a/errored.tfstate"), "kept");
    assert_eq!(place.files().values().filter(|text| *text == "kept").count(), 8);
    assert_eq!(place.files().len(), 10);
    // The stack goes away, what is not ours does not.
    place.lay_out(&MemoryTree::default()).unwrap();
    assert_eq!(place.files().len(), 8);
}

#[test]
fn the_provider_lock_file_follows_its_source_only() {
    let place = Place::new();
    let with_lock = |text: &str| MemoryTree::parse(&format!("//- a/main.tf\n//- a/.terraform.lock.hcl\n{text}\n"));
    place.lay_out(&with_lock("one")).unwrap();
    place.write("a/.terraform.lock.hcl", "one, completed by init");
    assert!(!place.lay_out(&with_lock("one")).unwrap().is_changed());
    assert_eq!(place.text("a/.terraform.lock.hcl"), "one, completed by init");
    place.lay_out(&with_lock("two")).unwrap();
    assert_eq!(place.text("a/.terraform.lock.hcl"), "two\n");
}

#[test]
fn modes_and_links_are_kept() {
    let fixture = Fixture::with_files(&[("a/run.sh", "1"), ("shared/x.tf", "x"), ("a/plain.sh", "1")]);
    fixture.set_executable("a/run.sh", true);
    fixture.link("a/shared", "../shared");
    fixture.commit("Links");
    let repository = Repository::discover(fixture.root()).unwrap();
    let commit = CommitTree::open(&repository, repository.head().unwrap().id).unwrap();
    let work = WorkTree::of(&repository).unwrap();
    let expected =
        pairs(&[("a/plain.sh", "1"), ("a/run.sh", "x 1"), ("a/shared", "-> ../shared"), ("shared/x.tf", "x")]);
    for tree in [&commit as &dyn FileTree, &work] {
        let place = Place::new();
        let files = with_link_targets(tree, tree.below(&path("a"))).unwrap().files;
        place.workspace.lay_out(tree, &files).unwrap();
        assert_eq!(place.files(), expected);
        assert_eq!(place.text("a/shared/x.tf"), "x");
        assert!(!place.workspace.lay_out(tree, &files).unwrap().is_changed());
    }
    // A commit and a clean work tree are the same source: nothing to do from one to the other.
    let place = Place::new();
    place.lay_out(&commit).unwrap();
    assert!(!place.lay_out(&work).unwrap().is_changed());
    fs::set_permissions(place.workspace.folder().join("a/run.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.lay_out(&commit).unwrap(), LaidOut { written: 1, removed: 0 });
}

#[test]
fn nothing_is_written_or_removed_through_a_foreign_link() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("main.tf"), "theirs").unwrap();
    let tree = MemoryTree::parse("//- a/main.tf\nours\n//- a/b.txt\nours\n");
    place.lay_out(&tree).unwrap();
    fs::remove_dir_all(place.workspace.folder().join("a")).unwrap();
    symlink(&outside, place.workspace.folder().join("a")).unwrap();
    place.lay_out(&MemoryTree::parse("//- b/x.tf\n")).unwrap();
    assert_eq!(on_disk(&outside), pairs(&[("main.tf", "theirs")]));
    place.lay_out(&tree).unwrap();
    assert_eq!(on_disk(&outside), pairs(&[("main.tf", "theirs")]));
    assert_eq!(place.files(), pairs(&[("a/b.txt", "ours\n"), ("a/main.tf", "ours\n")]));
}

#[test]
fn a_lost_or_foreign_manifest_means_laying_out_again() {
    let place = Place::new();
    let tree = MemoryTree::parse("//- a/main.tf\none\n");
    place.lay_out(&tree).unwrap();
    place.write("a/old.tf", "left over");
    let manifest = place.workspace.folder().with_file_name("aws-network.files.json");
    fs::write(manifest, r#"{"version":99,"files":[],"pending":[]}"#).unwrap();
    assert_eq!(place.lay_out(&tree).unwrap(), LaidOut { written: 1, removed: 1 });
    assert_eq!(place.files(), pairs(&[("a/main.tf", "one\n")]));
}

#[test]
fn what_cannot_be_written_is_named() {
    let place = Place::new();
    fs::write(place.folder.path().join("dev"), "a file where a folder should be").unwrap();
    let tree = MemoryTree::parse("//- a/main.tf\none\n");
    let error = place.lay_out(&tree).unwrap_err();
    assert!(
        matches!(&error, LayoutError::Io { path, .. } if path.ends_with("dev/aws-network.files.json")),
        "{error:?}"
    );

    let place = Place::new();
    place.write("a/main.tf/precious", "not ours");
    let error = place.lay_out(&tree).unwrap_err();
    assert!(error.to_string().contains("a/main.tf"), "{error}");
    assert_eq!(place.text("a/main.tf/precious"), "not ours");
}

#[test]
fn a_file_that_changed_since_the_listing_is_an_error() {
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let later = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    fs::File::open(fixture.root().join("a.tf")).unwrap().set_modified(later).unwrap();
    fixture.git(&["update-index", "--refresh"]);
    let tree = WorkTree::of(&Repository::discover(fixture.root()).unwrap()).unwrap();
    assert!(tree.files()[0].id.is_some());
    fixture.write("a.tf", "2");
    let error = Place::new().lay_out(&tree).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `a.tf`: its content is not what was listed");
}

fn linked(fixture: &str, folder: &str) -> Result<(Vec<String>, Vec<String>), String> {
    let tree = MemoryTree::parse(fixture);
    let linked = with_link_targets(&tree, tree.below(&path(folder))).map_err(|error| error.to_string())?;
    let names = |paths: Vec<&RepoPath>| paths.into_iter().map(|path| path.as_str().to_owned()).collect();
    Ok((names(linked.files.iter().map(|file| &file.path).collect()), names(linked.dangling.iter().collect())))
}

#[test]
fn links_bring_what_they_lead_to() {
    let tree = "//- a/main.tf\n//- a/versions.tf -> ../shared/versions.tf\n//- a/m -> ../links/m\n\
                //- links/m -> ../modules\n//- modules/x/x.tf\n//- modules/x/y.tf -> ../../deep/y.tf\n//- deep/y.tf\n\
                //- shared/versions.tf\n//- other/z.tf\n";
    let (files, dangling) = linked(tree, "a").unwrap();
    assert_eq!(
        files,
        [
            "a/m",
            "a/main.tf",
            "a/versions.tf",
            "deep/y.tf",
            "links/m",
            "modules/x/x.tf",
            "modules/x/y.tf",
            "shared/versions.tf"
        ]
    );
    assert!(dangling.is_empty());
}

#[test]
fn links_through_links_lead_where_the_system_would_go() {
    // `a/l/../x.tf` is beside the folder that `a/l` leads to, not beside `a/l`.
    let tree = "//- a/l -> ../deep/er\n//- a/x.tf -> l/../y.tf\n//- deep/er/z.tf\n//- deep/y.tf\n//- a/y.tf\n";
    let (files, _) = linked(tree, "a").unwrap();
    assert_eq!(files, ["a/l", "a/x.tf", "a/y.tf", "deep/er/z.tf", "deep/y.tf"]);
    let (_, dangling) = linked("//- a/l -> ../deep\n//- a/x.tf -> l/../y.tf\n//- deep/z.tf\n", "a").unwrap();
    assert_eq!(dangling, ["a/x.tf"]);
}

#[test]
fn links_to_nothing_are_left_out() {
    let (files, dangling) =
        linked("//- a/.#main.tf -> ada@engine.4711\n//- a/main.tf\n//- a/x -> main.tf/y\n", "a").unwrap();
    assert_eq!(files, ["a/main.tf"]);
    assert_eq!(dangling, ["a/.#main.tf", "a/x"]);
}

fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().concat()
}

#[test]
fn loops_and_ways_out_are_errors() {
    for (tree, expected) in [
        ("//- a/x -> y\n//- a/y -> x\n", "the link `a/x` leads in a loop"),
        ("//- a/x -> x\n", "the link `a/x` leads in a loop"),
        ("//- a/x -> .\n//- a/y.tf\n", "the link `a/x` leads in a loop"),
        ("//- a/x -> ..\n//- b/y.tf\n", "the link `a/x` leads in a loop"),
        ("//- a/x -> /etc/passwd\n", "the link `a/x` leads out of the repository: `/etc/passwd`"),
        ("//- a/x -> ../../b\n", "the link `a/x` leads out of the repository: `../../b`"),
        (
            "//- a/x -> l/../../../b\n//- a/l -> ../c/d\n//- c/d/e.tf\n",
            "the link `a/x` leads out of the repository: `l/../../../b`",
        ),
        ("//- a/x -> ../sub/main.tf\n//- sub @submodule\n", "the link `a/x` leads into a submodule"),
        (
            "//- a/x -> ../links/out\n//- links/out -> ../../etc\n",
            "the link `a/x` leads out of the repository: `../links/out`",
        ),
    ] {
        assert_eq!(linked(tree, "a").unwrap_err(), expected, "{tree}");
        let parsed = MemoryTree::parse(tree);
        let place = Place::new();
        let error = place.workspace.lay_out(&parsed, parsed.below(&path("a"))).unwrap_err();
        assert!(matches!(error, LayoutError::Link(_)), "{error}");
    }
    let deep = numbered(60, |n| format!("//- a/l{n:02} -> l{:02}\n", n + 1));
    assert!(matches!(linked(&deep, "a"), Err(error) if error.contains("loop")));
    let error = with_link_targets(&MemoryTree::parse("//- a/x -> y\n//- a/y -> x\n"), &[]).map(|linked| linked.files);
    assert!(matches!(error, Ok::<_, LinkError>(files) if files.is_empty()));
}

#[test]
fn many_links_to_one_folder_bring_it_once() {
    let tree = numbered(2000, |n| format!("//- s{n}/m -> ../modules\n")) + "//- modules/x.tf\n";
    let tree = MemoryTree::parse(&tree);
    let linked = with_link_targets(&tree, tree.files()).unwrap();
    assert_eq!(linked.files.len(), 2001);
}

/// A snapshot whose reading fails after so many files: what a crash leaves, the next call must mend.
struct Failing<'a> {
    tree: &'a MemoryTree,
    left: AtomicUsize,
}

impl FileTree for Failing<'_> {
    fn files(&self) -> &[FileEntry] {
        self.tree.files()
    }

    fn read(&self, entry: &FileEntry) -> Result<Vec<u8>, ReadError> {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| ReadError { path: entry.path.clone(), reason: "power is out".to_owned() })?;
        self.tree.read(entry)
    }
}

fn any_tree() -> impl Strategy<Value = MemoryTree> {
    let name = prop::sample::select(vec!["a", "b", "c.tf", "d e", "ü.txt"]);
    let file_path = prop::collection::vec(name, 1..4).prop_map(|parts| parts.join("/"));
    let kind = prop::sample::select(vec![FileKind::Regular, FileKind::Executable, FileKind::Symlink]);
    let content = prop::sample::select(vec!["", "one", "two", "nowhere"]);
    prop::collection::vec((file_path, kind, content), 0..8).prop_map(|files| {
        let mut chosen: Vec<(RepoPath, FileKind, Vec<u8>)> = Vec::new();
        for (text, kind, content) in files {
            let path = path(&text);
            // A link's text must not be empty, and must not name one of the files: `nowhere` leads to nothing.
            let content = if kind == FileKind::Symlink { "nowhere" } else { content };
            if chosen.iter().all(|(other, ..)| !path.is_within(other) && !other.is_within(&path)) {
                chosen.push((path, kind, content.into()));
            }
        }
        MemoryTree::new(chosen)
    })
}

fn expected(tree: &MemoryTree) -> BTreeMap<String, String> {
    let mark = |kind| match kind {
        FileKind::Executable => "x ",
        FileKind::Symlink => "-> ",
        _ => "",
    };
    let text = |entry: &FileEntry| String::from_utf8(tree.read(entry).unwrap()).unwrap();
    tree.files()
        .iter()
        .map(|entry| (entry.path.as_str().to_owned(), mark(entry.kind).to_owned() + &text(entry)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_lists_ends_with_exactly_the_files(
        steps in prop::collection::vec((any_tree(), prop::option::of(0..12_usize)), 1..6),
        last in any_tree(),
    ) {
        let place = Place::new();
        for (tree, fails_after) in &steps {
            let left = AtomicUsize::new(fails_after.unwrap_or(usize::MAX));
            let done = place.lay_out(&Failing { tree, left });
            if fails_after.is_none() || done.is_ok() {
                done.unwrap();
                prop_assert_eq!(place.files(), expected(tree));
            }
        }
        place.lay_out(&last).unwrap();
        prop_assert_eq!(place.files(), expected(&last));
        prop_assert!(!place.lay_out(&last).unwrap().is_changed());
        prop_assert!(!place.beside().contains(&"aws-network.new".to_owned()));
    }
}
