//! Listing and comparing snapshots.

use std::fmt::Write as _;

use terrace_config::tree::{FileEntry, FileKind, FileTree};
use terrace_domain::path::RepoPath;
use terrace_testkit::repository::Repository as Fixture;
use terrace_world::git::Repository;
use terrace_world::tree::{
    ChangeKind, CommitTree, SourceDigest, TreeError, WorkTree, blob_id, changed_paths, changed_paths_in_work_tree,
    content_id,
};

fn open(fixture: &Fixture) -> Repository {
    Repository::discover(fixture.root()).unwrap()
}

fn commit_tree(fixture: &Fixture, revision: &str) -> CommitTree {
    let repository = open(fixture);
    let commit = repository.resolve(revision).unwrap();
    CommitTree::open(&repository, commit.id).unwrap()
}

fn work_tree(fixture: &Fixture) -> WorkTree {
    WorkTree::of(&open(fixture)).unwrap()
}

fn entry<'a>(tree: &'a dyn FileTree, path: &str) -> &'a FileEntry {
    tree.find(&RepoPath::new(path).unwrap()).unwrap_or_else(|| panic!("no {path}"))
}

fn text(tree: &dyn FileTree, path: &str) -> String {
    String::from_utf8(tree.read(entry(tree, path)).unwrap()).unwrap()
}

/// Each file with its kind's first letter.
fn listing(tree: &dyn FileTree) -> Vec<String> {
    tree.files().iter().map(|entry| format!("{} {:?}", entry.path, entry.kind)).collect()
}

/// Each change as `+ path`, `- path` or `~ path`.
fn shown(changes: Result<Vec<terrace_world::tree::ChangedPath>, TreeError>) -> Vec<String> {
    let sign = |kind| match kind {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        ChangeKind::Modified => '~',
    };
    changes.unwrap().iter().map(|change| format!("{} {}", sign(change.kind), change.path)).collect()
}

fn varied() -> Fixture {
    let fixture = Fixture::empty();
    for path in ["terrace.hcl", "stacks/a b/main.tf", "stacks/größe/stack.hcl", "stacks-0/x.tf", "stacks.tf", "run.sh"]
    {
        fixture.write(path, format!("# {path}\n"));
    }
    fixture.set_executable("run.sh", true);
    fixture.link("link", "stacks/a b");
    fixture.write(".gitignore", "*.log\n");
    fixture.commit("First");
    fixture
}

#[test]
fn a_commit_and_its_work_tree_list_the_same() {
    let fixture = varied();
    let (commit, work) = (commit_tree(&fixture, "HEAD"), work_tree(&fixture));
    let expected = [
        ".gitignore Regular",
        "link Symlink",
        "run.sh Executable",
        "stacks-0/x.tf Regular",
        "stacks.tf Regular",
        "stacks/a b/main.tf Regular",
        "stacks/größe/stack.hcl Regular",
        "terrace.hcl Regular",
    ];
    assert_eq!(listing(&commit), expected);
    assert_eq!(listing(&work), expected);
    for file in commit.files() {
        assert_eq!(commit.read(file).unwrap(), work.read(file).unwrap(), "{}", file.path);
        assert_eq!(file.id, Some(content_id(&work, entry(&work, file.path.as_str())).unwrap()), "{}", file.path);
    }
    assert_eq!(text(&commit, "link"), "stacks/a b");
    assert_eq!(shown(changed_paths_in_work_tree(&commit, &work)), Vec::<String>::new());
}

#[test]
fn packed_commits_read_the_same() {
    let fixture = varied();
    let loose = listing(&commit_tree(&fixture, "HEAD"));
    fixture.git(&["gc", "--quiet", "--aggressive", "--prune=now"]);
    let packed = commit_tree(&fixture, "HEAD");
    assert_eq!(listing(&packed), loose);
    assert_eq!(text(&packed, "stacks/größe/stack.hcl"), "# stacks/größe/stack.hcl\n");
}

#[test]
fn blobs_are_read_from_many_threads() {
    use rayon::prelude::*;
    let fixture = Fixture::empty();
    for n in 0..300 {
        fixture.write(&format!("stacks/{n}/main.tf"), format!("# {n}\n"));
    }
    fixture.commit("Many");
    let tree = commit_tree(&fixture, "HEAD");
    tree.files().par_iter().for_each(|file| {
        let number = file.path.parts().nth(1).unwrap();
        assert_eq!(tree.read(file).unwrap(), format!("# {number}\n").as_bytes());
    });
}

#[test]
fn the_work_tree_leaves_out_what_git_ignores_and_tools_make() {
    let fixture = varied();
    fixture.write("stacks/a b/debug.log", "x");
    fixture.write("stacks/a b/.terraform/modules/m/main.tf", "x");
    fixture.write(".terrace/work/x.tf", "x");
    fixture.write("stacks/new.tf", "x");
    fixture.write(".hidden/y.tf", "x");
    fixture.write("other/.git/HEAD", "ref: refs/heads/main\n");
    fixture.write("other/z.tf", "x");
    let work = listing(&work_tree(&fixture));
    let added: Vec<_> = work.iter().filter(|file| !listing(&commit_tree(&fixture, "HEAD")).contains(file)).collect();
    assert_eq!(added, [".hidden/y.tf Regular", "stacks/new.tf Regular"]);
}

#[test]
fn tool_folders_that_were_committed_are_left_out_of_commits_too() {
    let fixture =
        Fixture::with_files(&[("a.tf", "1"), ("x/.terraform/modules/modules.json", "{}"), (".terrace/x", "1")]);
    let commit = commit_tree(&fixture, "HEAD");
    assert_eq!(listing(&commit), ["a.tf Regular"]);
    assert!(shown(changed_paths_in_work_tree(&commit, &work_tree(&fixture))).is_empty());
}

#[test]
fn tracked_files_count_though_ignored() {
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    fixture.write("keep.log", "1");
    fixture.commit("Before it is ignored");
    fixture.write(".gitignore", "*.log\n");
    fixture.write("other.log", "1");
    assert_eq!(listing(&work_tree(&fixture)), [".gitignore Regular", "a.tf Regular", "keep.log Regular"]);
}

#[test]
fn a_folder_without_a_repository_is_listed() {
    let fixture = Fixture::plain();
    fixture.write("terrace.hcl", "x");
    fixture.write("a/b.tf", "y");
    fixture.write("a/c.log", "y");
    fixture.write(".gitignore", "*.log\n");
    let tree = WorkTree::open(fixture.root()).unwrap();
    assert_eq!(listing(&tree), [".gitignore Regular", "a/b.tf Regular", "terrace.hcl Regular"]);
    assert_eq!(text(&tree, "a/b.tf"), "y");
    assert!(matches!(WorkTree::open(&fixture.beside("missing")), Err(TreeError::Io { .. })));
    assert!(matches!(WorkTree::open(&fixture.root().join("terrace.hcl")), Err(TreeError::Io { .. })));
}

#[test]
fn loops_of_links_end() {
    let fixture = Fixture::with_files(&[("a/main.tf", "1")]);
    fixture.link("a/loop", ".");
    fixture.link("b", "c");
    fixture.link("c", "b");
    fixture.link("a/up", "../..");
    let expected = ["a/loop Symlink", "a/main.tf Regular", "a/up Symlink", "b Symlink", "c Symlink"];
    assert_eq!(listing(&work_tree(&fixture)), expected);
    assert_eq!(listing(&WorkTree::open(fixture.root()).unwrap()), expected);
    fixture.commit("Loops");
    assert_eq!(listing(&commit_tree(&fixture, "HEAD")), expected);
}

#[test]
fn pipes_are_no_files() {
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let status = std::process::Command::new("mkfifo").arg(fixture.root().join("pipe.tf")).status().unwrap();
    assert!(status.success());
    let tree = work_tree(&fixture);
    assert_eq!(listing(&tree), ["a.tf Regular"]);
    // A file that became a pipe after the listing.
    fixture.remove("a.tf");
    std::fs::rename(fixture.root().join("pipe.tf"), fixture.root().join("a.tf")).unwrap();
    assert!(tree.read(entry(&tree, "a.tf")).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn submodules_are_reported_and_not_entered() {
    let inner = Fixture::with_files(&[("main.tf", "1")]);
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let url = inner.root().to_str().unwrap();
    fixture.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "vendor/inner"]);
    fixture.commit("Add a submodule");
    let (commit, work) = (commit_tree(&fixture, "HEAD"), work_tree(&fixture));
    let expected = [".gitmodules Regular", "a.tf Regular", "vendor/inner Submodule"];
    assert_eq!(listing(&commit), expected);
    assert_eq!(listing(&work), expected);
    for tree in [&commit as &dyn FileTree, &work] {
        let error = tree.read(entry(tree, "vendor/inner")).unwrap_err();
        assert!(error.to_string().contains("submodule"), "{error}");
    }
    assert!(shown(changed_paths_in_work_tree(&commit, &work)).is_empty());
    fixture.git_in(&fixture.root().join("vendor/inner"), &["commit", "--quiet", "--allow-empty", "--message", "New"]);
    assert_eq!(shown(changed_paths_in_work_tree(&commit, &work_tree(&fixture))), ["~ vendor/inner"]);
    fixture.git(&["submodule", "--quiet", "deinit", "--force", "vendor/inner"]);
    assert!(shown(changed_paths_in_work_tree(&commit, &work_tree(&fixture))).is_empty());
}

#[test]
fn names_that_are_not_utf8_are_passed_over_with_a_warning() {
    use std::os::unix::ffi::OsStrExt;
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.tf");
    std::fs::write(fixture.root().join(name), "1").unwrap();
    fixture.commit("Latin");
    let (commit, work) = (commit_tree(&fixture, "HEAD"), work_tree(&fixture));
    assert_eq!(listing(&commit), ["a.tf Regular"]);
    assert_eq!(listing(&work), ["a.tf Regular"]);
    for skipped in [commit.skipped(), work.skipped()] {
        assert_eq!(skipped.len(), 1);
        assert_eq!(skipped[0].diagnostic().summary, "`caf\u{fffd}.tf` is passed over: its name is not UTF-8");
    }
}

#[test]
fn hostile_names_in_a_commit_are_passed_over() {
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let blob = fixture.git(&["rev-parse", "HEAD:a.tf"]);
    let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
    // Names that `git mktree` refuses: the object is written as it is.
    let mut object = Vec::new();
    for (mode, name, id) in [("100644", "..", &blob), ("40000", ".GIT", &tree), ("100644", "z.tf", &blob)] {
        object.extend(format!("{mode} {name}\0").bytes());
        object.extend((0..20).map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).unwrap()));
    }
    std::fs::write(fixture.beside("object"), object).unwrap();
    let path = fixture.beside("object");
    let root = fixture.git(&["hash-object", "-t", "tree", "-w", "--literally", path.to_str().unwrap()]);
    let commit = fixture.git(&["commit-tree", "-m", "Hostile", &root]);
    let listed = commit_tree(&fixture, &commit);
    assert_eq!(listing(&listed), ["z.tf Regular"]);
    assert_eq!(listed.skipped().len(), 2);
}

#[test]
fn a_commit_that_names_millions_of_files_in_three_objects_is_refused() {
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let mut id = fixture.git(&["rev-parse", "HEAD:a.tf"]);
    for (count, mode, kind) in [(1000, "100644", "blob"), (1000, "040000", "tree")] {
        let lines: String = (0..count).map(|n| format!("{mode} {kind} {id}\tn{n:04}\n")).collect::<Vec<_>>().concat();
        id = fixture.git_with_input(&["mktree"], &lines);
    }
    let commit = fixture.git(&["commit-tree", "-m", "Many", &id]);
    let repository = open(&fixture);
    let error = CommitTree::open(&repository, repository.resolve(&commit).unwrap().id).map(drop).unwrap_err();
    assert!(matches!(error, TreeError::TooManyFiles), "{error}");
}

#[test]
fn too_large_files_are_an_error_and_large_ones_beside_are_not() {
    let fixture = Fixture::empty();
    let large = vec![b'#'; 16 * 1024 * 1024 + 1];
    fixture.write("large.tf", &large);
    fixture.write("large.zip", &large);
    fixture.write("garbage.tf", &large[1..]);
    fixture.commit("Large");
    let (commit, work) = (commit_tree(&fixture, "HEAD"), work_tree(&fixture));
    for tree in [&commit as &dyn FileTree, &work] {
        let error = tree.read(entry(tree, "large.tf")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read `large.tf`: it has 16777217 bytes; the limit for such a file is 16 MiB"
        );
        assert_eq!(tree.read(entry(tree, "large.zip")).unwrap().len(), large.len());
        assert_eq!(tree.read(entry(tree, "garbage.tf")).unwrap().len(), large.len() - 1);
    }
}

#[test]
fn commits_are_compared_by_content_and_mode() {
    let fixture = Fixture::with_files(&[
        ("a/x.tf", "1"),
        ("a/y.tf", "1"),
        ("b/same.tf", "1"),
        ("c", "a file"),
        ("d/gone.tf", "1"),
        ("mode.sh", "1"),
        ("old name.tf", "moved"),
    ]);
    fixture.write("a/y.tf", "2");
    fixture.write("a/z/new.tf", "1");
    fixture.remove("c");
    fixture.write("c/now/a-folder.tf", "1");
    fixture.remove("d/gone.tf");
    fixture.set_executable("mode.sh", true);
    fixture.remove("old name.tf");
    fixture.write("new name.tf", "moved");
    fixture.remove("b/same.tf");
    fixture.write("b/same.tf", "1");
    let expected = [
        "~ a/y.tf",
        "+ a/z/new.tf",
        "- c",
        "+ c/now/a-folder.tf",
        "- d/gone.tf",
        "~ mode.sh",
        "+ new name.tf",
        "- old name.tf",
    ];
    let old = commit_tree(&fixture, "HEAD");
    assert_eq!(shown(changed_paths_in_work_tree(&old, &work_tree(&fixture))), expected);
    fixture.commit("Second");
    let new = commit_tree(&fixture, "HEAD");
    assert_eq!(shown(changed_paths(&old, &new)), expected);
    assert_eq!(shown(changed_paths(&new, &old)).len(), expected.len());
    assert!(shown(changed_paths(&new, &new)).is_empty());
    assert_eq!(shown(changed_paths_in_work_tree(&old, &work_tree(&fixture))), expected);
}

#[test]
fn a_touched_file_is_not_a_changed_one() {
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(7);
    std::fs::File::open(fixture.root().join("a.tf")).unwrap().set_modified(later).unwrap();
    assert!(shown(changed_paths_in_work_tree(&commit_tree(&fixture, "HEAD"), &work_tree(&fixture))).is_empty());
    // The same size, written in the moment of the commit: the stat alone could not tell.
    fixture.write("a.tf", "2");
    assert_eq!(shown(changed_paths_in_work_tree(&commit_tree(&fixture, "HEAD"), &work_tree(&fixture))), ["~ a.tf"]);
}

#[test]
fn line_ends_that_git_converts_are_no_change() {
    let fixture = Fixture::with_files(&[(".gitattributes", "*.txt text eol=crlf\n"), ("a.txt", "1\n2\n")]);
    fixture.write("a.txt", "1\r\n2\r\n");
    assert!(shown(changed_paths_in_work_tree(&commit_tree(&fixture, "HEAD"), &work_tree(&fixture))).is_empty());
    fixture.write("a.txt", "1\r\n3\r\n");
    assert_eq!(shown(changed_paths_in_work_tree(&commit_tree(&fixture, "HEAD"), &work_tree(&fixture))), ["~ a.txt"]);
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_removed() {
    let fixture = Fixture::with_files(&[("a/x.tf", "1"), ("b/y.tf", "1"), ("c.tf", "1")]);
    fixture.git(&["sparse-checkout", "set", "a"]);
    let work = work_tree(&fixture);
    assert_eq!(listing(&work), ["a/x.tf Regular", "c.tf Regular"]);
    assert!(shown(changed_paths_in_work_tree(&commit_tree(&fixture, "HEAD"), &work)).is_empty());
}

#[test]
fn a_file_behind_a_link_is_gone() {
    let fixture = Fixture::with_files(&[("real/x.tf", "1"), ("a/x.tf", "1")]);
    fixture.remove("a/x.tf");
    std::fs::remove_dir(fixture.root().join("a")).unwrap();
    fixture.link("a", "real");
    let changes = shown(changed_paths_in_work_tree(&commit_tree(&fixture, "HEAD"), &work_tree(&fixture)));
    assert_eq!(changes, ["+ a", "- a/x.tf"]);
}

#[test]
fn the_digest_is_that_of_git_ls_tree() {
    use sha2::Digest;
    let fixture = varied();
    let (commit, work) = (commit_tree(&fixture, "HEAD"), work_tree(&fixture));
    let listed = fixture.git(&["ls-tree", "-r", "-z", "--full-tree", "HEAD", "--", "stacks", "link", "run.sh"]);
    let expected = sha2::Sha256::digest(listed.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let chosen = |tree: &dyn FileTree| -> Vec<FileEntry> {
        let mut files = tree.below(&RepoPath::new("stacks").unwrap()).to_vec();
        files.extend(["run.sh", "link", "link"].map(|path| entry(tree, path).clone()));
        files
    };
    assert_eq!(SourceDigest::of(&commit, &chosen(&commit)).unwrap().to_string(), expected);
    assert_eq!(SourceDigest::of(&work, &chosen(&work)).unwrap().to_string(), expected);
    let fewer = SourceDigest::of(&commit, &chosen(&commit)[1..]).unwrap();
    assert_ne!(fewer.to_string(), expected);
}

#[test]
fn ids_are_those_of_git() {
    let fixture = Fixture::with_files(&[("a.tf", "one\n")]);
    assert_eq!(commit_tree(&fixture, "HEAD").files()[0].id, Some(blob_id(b"one\n")));
    assert_eq!(commit_tree(&fixture, "HEAD").files()[0].kind, FileKind::Regular);
}

#[test]
fn content_that_a_clone_lacks_is_an_error() {
    let fixture = Fixture::with_files(&[("a.tf", "1")]);
    let id = fixture.git(&["rev-parse", "HEAD:a.tf"]);
    std::fs::remove_file(fixture.root().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    let tree = commit_tree(&fixture, "HEAD");
    assert!(tree.read(entry(&tree, "a.tf")).unwrap_err().to_string().contains("fetch"));
}
