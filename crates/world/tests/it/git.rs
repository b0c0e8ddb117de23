//! Opening repositories and naming commits.

use terrace_domain::path::RepoPath;
use terrace_testkit::repository::Repository as Fixture;
use terrace_world::git::{GitError, Repository};

fn open(fixture: &Fixture) -> Repository {
    Repository::discover(fixture.root()).unwrap()
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

#[test]
fn a_folder_below_finds_its_repository() {
    let fixture = Fixture::with_files(&[("infra/stacks/terrace.hcl", "")]);
    let repository = Repository::discover(&fixture.root().join("infra/stacks")).unwrap();
    assert_eq!(repository.root(), fixture.root());
    assert_eq!(repository.repo_path(&fixture.root().join("infra/stacks")).unwrap(), path("infra/stacks"));
    assert_eq!(repository.repo_path(fixture.root()).unwrap(), RepoPath::root());
    assert_eq!(repository.repo_path(&fixture.root().join("infra/new.hcl")).unwrap(), path("infra/new.hcl"));
    let error = repository.repo_path(&fixture.beside("elsewhere")).unwrap_err();
    assert!(matches!(error, GitError::Outside { .. }), "{error}");
}

#[test]
fn a_repository_reached_through_a_link_is_the_same() {
    let fixture = Fixture::with_files(&[("infra/terrace.hcl", "")]);
    let link = fixture.beside("link");
    std::os::unix::fs::symlink(fixture.root(), &link).unwrap();
    let repository = Repository::discover(&link.join("infra")).unwrap();
    assert_eq!(repository.root(), fixture.root());
    assert_eq!(repository.repo_path(&link).unwrap(), RepoPath::root());
    assert_eq!(repository.repo_path(&link.join("infra")).unwrap(), path("infra"));
}

#[test]
fn a_plain_folder_is_no_repository() {
    let fixture = Fixture::plain();
    let error = Repository::discover(fixture.root()).unwrap_err();
    assert!(matches!(error, GitError::NotARepository(_)), "{error}");
    assert!(error.hint().unwrap().contains("git init"));
    let error = Repository::discover(&fixture.beside("missing")).unwrap_err();
    assert!(matches!(error, GitError::Inaccessible { .. }), "{error}");
}

#[test]
fn a_repository_without_a_commit_says_so() {
    let fixture = Fixture::empty();
    let repository = open(&fixture);
    for error in [repository.head().unwrap_err(), repository.resolve("HEAD").unwrap_err()] {
        assert!(matches!(error, GitError::NoCommit(_)), "{error}");
    }
    assert_eq!(repository.current_branch().unwrap().as_deref(), Some("main"));
    assert_eq!(repository.default_branch().unwrap(), None);
}

#[test]
fn a_branch_without_a_commit_hides_no_other() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    fixture.git(&["switch", "--quiet", "--orphan", "new"]);
    let repository = open(&fixture);
    assert!(matches!(repository.head().unwrap_err(), GitError::NoCommit(_)));
    assert!(matches!(repository.resolve("HEAD~1").unwrap_err(), GitError::NoCommit(_)));
    assert_eq!(repository.resolve("main").unwrap().subject, "First");
    assert!(matches!(repository.resolve("nowhere").unwrap_err(), GitError::UnknownRevision { .. }));
}

#[test]
fn a_short_id_that_is_not_enough_names_its_candidates() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
    // Of so many commits, two begin with the same four digits; their ids are the same in every run.
    let files: Vec<String> = (0..600).map(|n| fixture.beside(&format!("commit-{n}")).display().to_string()).collect();
    for (n, file) in files.iter().enumerate() {
        let person = "Ada Example <ada@example.com> 1700000000 +0000";
        std::fs::write(file, format!("tree {tree}\nauthor {person}\ncommitter {person}\n\nNumber {n}\n")).unwrap();
    }
    let mut arguments = vec!["hash-object", "-t", "commit", "-w"];
    arguments.extend(files.iter().map(String::as_str));
    let ids = fixture.git(&arguments);
    let mut beginnings: Vec<&str> = ids.lines().map(|id| &id[..4]).collect();
    beginnings.sort_unstable();
    let shared = beginnings.windows(2).find(|pair| pair[0] == pair[1]).expect("two that begin alike")[0];
    let error = open(&fixture).resolve(shared).unwrap_err();
    assert!(matches!(&error, GitError::AmbiguousRevision { detail, .. } if detail.contains("Number")), "{error:?}");
}

#[test]
fn a_bare_repository_is_refused() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let bare = fixture.beside("bare.git");
    fixture.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let error = Repository::discover(&bare).unwrap_err();
    assert!(matches!(error, GitError::Bare(_)), "{error}");
}

#[test]
fn a_damaged_repository_is_an_error() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    std::fs::write(fixture.root().join(".git/HEAD"), "nonsense\n").unwrap();
    let error = Repository::discover(fixture.root()).and_then(|repository| repository.head()).unwrap_err();
    assert!(matches!(error, GitError::NotARepository(_) | GitError::Failed { .. }), "{error:?}");
}

#[test]
fn commits_are_described() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    fixture.write("a", "2");
    let id = fixture.commit("Make the network wider\n\nBecause it was narrow.");
    let commit = open(&fixture).head().unwrap();
    assert_eq!(commit.id.to_string(), id);
    assert!(id.starts_with(&commit.short_id) && commit.short_id.len() >= 7);
    assert_eq!(commit.subject, "Make the network wider");
    assert_eq!((commit.author_name.as_str(), commit.author_email.as_str()), ("Carol Example", "carol@example.com"));
    assert_eq!(commit.committed_at_secs, 1_700_000_060);
}

#[test]
fn revisions_are_found_as_git_finds_them() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let first = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["tag", "--annotate", "--message", "one", "v1"]);
    fixture.write("a", "2");
    let second = fixture.commit("Second");
    let check = |repository: &Repository| {
        for (revision, id) in
            [("HEAD", &second), ("main", &second), ("HEAD~1", &first), ("v1", &first), ("v1^{}", &first)]
        {
            assert_eq!(repository.resolve(revision).unwrap().id.to_string(), *id, "{revision}");
        }
        assert_eq!(repository.resolve(&first).unwrap().id.to_string(), first);
        assert_eq!(repository.resolve(&first[..8]).unwrap().id.to_string(), first);
    };
    check(&open(&fixture));
    fixture.git(&["pack-refs", "--all"]);
    fixture.git(&["gc", "--quiet"]);
    check(&open(&fixture));
}

#[test]
fn unknown_revisions_have_a_hint() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let repository = open(&fixture);
    let long = "x".repeat(5000);
    for revision in
        ["nowhere", "HEAD~7", "0000000000000000000000000000000000000000", "", "HEAD:a", "a..b", "\u{1}", &long]
    {
        let error = repository.resolve(revision).unwrap_err();
        assert!(matches!(error, GitError::UnknownRevision { .. } | GitError::NotACommit(_)), "{revision}: {error:?}");
    }
    let error = repository.resolve("nowhere").unwrap_err();
    assert_eq!(error.to_string(), "git knows no revision `nowhere`");
    assert!(error.hint().unwrap().contains("branch"));
    assert!(matches!(repository.resolve("HEAD:a").unwrap_err(), GitError::NotACommit(_)));
}

#[test]
fn histories_part_at_the_merge_base() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let base = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["switch", "--quiet", "--create", "feature"]);
    fixture.write("b", "1");
    fixture.commit("On the branch");
    fixture.git(&["switch", "--quiet", "main"]);
    fixture.write("c", "1");
    fixture.commit("On main");
    fixture.git(&["switch", "--quiet", "--orphan", "stranger"]);
    fixture.commit("No ancestor");
    let repository = open(&fixture);
    let id = |revision: &str| repository.resolve(revision).unwrap().id;
    assert_eq!(repository.merge_base(id("main"), id("feature")).unwrap().id.to_string(), base);
    let error = repository.merge_base(id("main"), id("stranger")).unwrap_err();
    assert!(matches!(error, GitError::NoMergeBase { shallow: false, .. }), "{error}");
}

#[test]
fn a_shallow_clone_says_what_is_missing() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let first = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["branch", "side"]);
    fixture.write("a", "2");
    fixture.commit("Second");
    fixture.git(&["switch", "--quiet", "side"]);
    fixture.write("b", "2");
    fixture.commit("Aside");
    let clone = fixture.beside("shallow");
    let source = format!("file://{}", fixture.root().display());
    fixture.git(&["clone", "--quiet", "--depth=1", "--no-single-branch", &source, clone.to_str().unwrap()]);
    let repository = Repository::discover(&clone).unwrap();
    for revision in [first.as_str(), "HEAD~1"] {
        let error = repository.resolve(revision).unwrap_err();
        assert!(matches!(error, GitError::UnknownRevision { shallow: true, .. }), "{revision}: {error:?}");
        assert!(error.hint().unwrap().contains("--unshallow"));
    }
    let (main, side) = (repository.resolve("origin/main").unwrap().id, repository.resolve("origin/side").unwrap().id);
    let error = repository.merge_base(main, side).unwrap_err();
    assert!(matches!(error, GitError::NoMergeBase { shallow: true, .. }), "{error}");
    assert!(error.hint().unwrap().contains("fetch"));
}

#[test]
fn branches_are_named() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let repository = open(&fixture);
    assert_eq!(repository.current_branch().unwrap().as_deref(), Some("main"));
    assert_eq!(repository.default_branch().unwrap().as_deref(), Some("main"));
    fixture.git(&["branch", "--move", "master"]);
    fixture.git(&["switch", "--quiet", "--create", "team/feature"]);
    assert_eq!(repository.current_branch().unwrap().as_deref(), Some("team/feature"));
    assert_eq!(repository.default_branch().unwrap().as_deref(), Some("master"));
    fixture.git(&["switch", "--quiet", "--detach"]);
    assert_eq!(repository.current_branch().unwrap(), None);
    assert!(repository.head().is_ok());
}

#[test]
fn the_remote_names_the_default_branch() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    fixture.git(&["branch", "--move", "trunk"]);
    let clone = fixture.beside("clone");
    fixture.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    fixture.git_in(&clone, &["switch", "--quiet", "--create", "main"]);
    let repository = Repository::discover(&clone).unwrap();
    assert_eq!(repository.default_branch().unwrap().as_deref(), Some("origin/trunk"));
    assert!(repository.resolve("origin/trunk").is_ok());
}

#[test]
fn a_linked_work_tree_has_its_own_head() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let linked = fixture.beside("linked tree");
    fixture.git(&["worktree", "add", "--quiet", "-b", "other", linked.to_str().unwrap()]);
    std::fs::write(linked.join("a"), "2").unwrap();
    fixture.git_in(&linked, &["commit", "--quiet", "--all", "--message", "There"]);
    let repository = Repository::discover(&linked).unwrap();
    assert_eq!(repository.root(), linked);
    assert_eq!(repository.current_branch().unwrap().as_deref(), Some("other"));
    assert_eq!(repository.head().unwrap().subject, "There");
    assert_eq!(open(&fixture).head().unwrap().subject, "First");
    assert!(repository.is_linked_work_tree());
    assert!(!open(&fixture).is_linked_work_tree());
}

#[test]
fn uncommitted_changes_are_found_and_capped() {
    let fixture = Fixture::with_files(&[
        ("infra/a.tf", "1"),
        ("infra/b.tf", "1"),
        ("infra/c.tf", "1"),
        ("infra/*.tf", "1"),
        ("other/d.tf", "1"),
        (".gitignore", "*.log\n"),
    ]);
    let repository = open(&fixture);
    fixture.write(".terrace/runs.db", "1");
    fixture.write("infra/.terraform/providers", "1");
    assert!(repository.uncommitted_changes(&RepoPath::root(), 5).unwrap().is_empty());
    fixture.write("infra/a.tf", "2");
    fixture.git(&["add", "infra/a.tf"]);
    fixture.write("infra/a.tf", "3");
    fixture.remove("infra/b.tf");
    fixture.set_executable("infra/c.tf", true);
    fixture.write("infra/größe und mehr.tf", "1");
    fixture.write("infra/new/x.tf", "1");
    fixture.write("infra/debug.log", "1");
    fixture.write("other/d.tf", "2");
    let all = repository.uncommitted_changes(&RepoPath::root(), 100).unwrap();
    assert_eq!(
        all.paths,
        ["infra/a.tf", "infra/b.tf", "infra/c.tf", "infra/größe und mehr.tf", "infra/new/", "other/d.tf"]
    );
    let capped = repository.uncommitted_changes(&path("infra"), 2).unwrap();
    assert_eq!((capped.paths, capped.total), (vec!["infra/a.tf".to_owned(), "infra/b.tf".to_owned()], 5));
    assert!(repository.uncommitted_changes(&path("infra/*.tf"), 2).unwrap().is_empty());
}

#[test]
fn a_repository_of_another_user_is_refused() {
    // Only root may give a folder away; elsewhere git's own temporary folder already belongs to us and there is nothing to see.
    let fixture = Fixture::with_files(&[("a", "1")]);
    let give = |path: &std::path::Path| std::os::unix::fs::lchown(path, Some(65534), None);
    if give(fixture.root()).is_ok() && give(&fixture.root().join(".git")).is_ok() {
        let error = Repository::discover(fixture.root()).unwrap_err();
        assert!(matches!(error, GitError::UnsafeOwnership(_)), "{error}");
        assert!(error.hint().unwrap().contains("safe.directory"));
    }
}
