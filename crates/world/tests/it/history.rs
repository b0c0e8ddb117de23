//! Walks of real histories: what is told of each commit, and what hostile names do.

use std::fmt::Write;

use terrace_domain::path::RepoPath;
use terrace_domain::slice::history::Commit;
use terrace_testkit::repository::{ImportedCommit, Repository as Fixture};
use terrace_world::git::{GitError, HistoryWindow, Repository};

fn walk(repository: &Repository, change: impl FnOnce(&mut HistoryWindow<'_>)) -> Vec<Commit> {
    let below = RepoPath::root();
    let head = repository.head().unwrap().id;
    let mut window = HistoryWindow { head, since_secs: None, commits_max: None, below: &below };
    change(&mut window);
    let mut commits = Vec::new();
    repository.walk_history(&window, |commit| commits.push(commit)).unwrap();
    commits
}

fn all(fixture: &Fixture) -> Vec<Commit> {
    walk(&Repository::discover(fixture.root()).unwrap(), |_| ())
}

fn subjects(commits: &[Commit]) -> Vec<&str> {
    commits.iter().map(|commit| commit.subject.as_str()).collect()
}

/// Each commit as lines.
fn told(commits: &[Commit]) -> String {
    let mut text = String::new();
    for commit in commits {
        let authors: Vec<_> =
            commit.authors.iter().map(|author| format!("{} <{}>", author.name, author.email)).collect();
        let _ = writeln!(text, "{} by {}", commit.subject, authors.join(", "));
        for file in &commit.files {
            let from = file.from.as_ref().map(|from| format!(" from {:?}", from.as_str())).unwrap_or_default();
            let formatting = if file.is_formatting { ", formatting" } else { "" };
            let _ = writeln!(text, "  {:?} {}{from}{formatting}", file.path.as_str(), file.kind.as_str());
        }
    }
    text
}

#[test]
fn each_commit_is_told_with_its_files() {
    let fixture = Fixture::with_files(&[
        ("a/main.tf", "x = 1\ny = 2\nz = 3\n"),
        ("a/old.tf", "gone = true\n"),
        ("bin", "\0\u{1}"),
    ]);
    fixture.write("a/main.tf", "x  =   1\ny = 2\nz = 3\n");
    fixture.commit("Format");
    fixture.git(&["mv", "a/main.tf", "a/net.tf"]);
    fixture.commit("Rename");
    fixture.git(&["mv", "a/net.tf", "b.tf"]);
    fixture.write("b.tf", "x  =   1\ny = 2\nz = 3\nw = 4\n");
    fixture.commit("Rename and change");
    fixture.remove("a/old.tf");
    fixture.write("bin", "\0\u{2}");
    fixture.commit("Remove\n\nAnd say why.\n\nCo-authored-by: Bob B <bob@example.com>\nCo-authored-by: nobody");
    fixture.commit("Nothing");
    let expected = "\
Nothing by Carol Example <carol@example.com>
Remove by Carol Example <carol@example.com>, Bob B <bob@example.com>
  \"a/old.tf\" removed
  \"bin\" modified
Rename and change by Carol Example <carol@example.com>
  \"b.tf\" modified from \"a/net.tf\"
Rename by Carol Example <carol@example.com>
  \"a/net.tf\" modified from \"a/main.tf\", formatting
Format by Carol Example <carol@example.com>
  \"a/main.tf\" modified, formatting
First by Carol Example <carol@example.com>
  \"a/main.tf\" added
  \"a/old.tf\" added
  \"bin\" added
";
    assert_eq!(told(&all(&fixture)), expected);
}

#[test]
fn the_mailmap_says_who_somebody_is() {
    let fixture = Fixture::with_files(&[(".mailmap", "Ada Lovelace <ada@team.example> <carol@example.com>\n")]);
    let author = &all(&fixture)[0].authors[0];
    assert_eq!((author.name.as_str(), author.email.as_str()), ("Ada Lovelace", "ada@team.example"));
}

#[test]
fn merges_are_left_out_and_what_they_bring_is_not() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    fixture.git(&["switch", "--quiet", "--create", "work"]);
    fixture.write("b", "1");
    fixture.commit("On a branch");
    fixture.git(&["switch", "--quiet", "main"]);
    fixture.write("c", "1");
    fixture.commit("On main");
    fixture.git(&["merge", "--quiet", "--no-ff", "--message", "Merge", "work"]);
    let mut told: Vec<_> = all(&fixture).iter().map(|commit| commit.subject.clone()).collect();
    told.sort();
    assert_eq!(told, ["First", "On a branch", "On main"]);
}

#[test]
fn hostile_names_are_names() {
    let fixture = Fixture::empty();
    let names =
        [">0000", ":100644 100644 a b M", "1\t2\tx", "two\nlines", "größe", "-", "\u{1}x", "a => b", "{a => b}"];
    for name in names {
        fixture.write(name, "1");
    }
    fixture.git(&["config", "user.name", "x"]);
    fixture.commit("A \u{1f} B");
    let commits = all(&fixture);
    assert_eq!(commits.len(), 1);
    let mut found: Vec<_> = commits[0].files.iter().map(|file| file.path.as_str()).collect();
    found.sort_unstable();
    let mut names = names.to_vec();
    names.sort_unstable();
    assert_eq!(found, names);
    fixture.git(&["mv", "two\nlines", ":0 R100"]);
    fixture.commit("Rename");
    let renamed = &all(&fixture)[0].files[0];
    assert_eq!((renamed.path.as_str(), renamed.from.as_ref().unwrap().as_str()), (":0 R100", "two\nlines"));
}

#[test]
fn settings_of_the_repository_change_nothing() {
    let fixture = Fixture::with_files(&[("a", "1\n")]);
    let settings = [
        ("log.showSignature", "true"),
        ("diff.renames", "false"),
        ("diff.external", "false"),
        ("diff.noprefix", "true"),
        ("core.quotePath", "true"),
        ("log.decorate", "full"),
        ("color.ui", "always"),
        ("diff.relative", "true"),
        ("format.pretty", "oneline"),
        ("log.follow", "true"),
    ];
    let before = told(&all(&fixture));
    for (key, value) in settings {
        fixture.git(&["config", key, value]);
    }
    assert_eq!(told(&all(&fixture)), before);
}

#[test]
fn a_window_is_kept() {
    let fixture = Fixture::empty();
    let commit = |day: u64, path: &str| ImportedCommit {
        author: "Ada Example <ada@example.com>".to_owned(),
        day,
        message: format!("Day {day}"),
        files: vec![(path.to_owned(), day.to_string())],
    };
    fixture.import(&[commit(0, "a/x"), commit(10, "b/x"), commit(20, "a/x"), commit(30, "a/[x]/y")]);
    let repository = Repository::discover(fixture.root()).unwrap();
    assert_eq!(subjects(&walk(&repository, |_| ())), ["Day 30", "Day 20", "Day 10", "Day 0"]);
    assert_eq!(subjects(&walk(&repository, |window| window.commits_max = Some(2))), ["Day 30", "Day 20"]);
    let since = repository.resolve("HEAD~1").unwrap().committed_at_secs;
    assert_eq!(subjects(&walk(&repository, |window| window.since_secs = Some(since))), ["Day 30", "Day 20"]);
    let before = repository.resolve("HEAD~2").unwrap().id;
    assert_eq!(subjects(&walk(&repository, |window| window.head = before)), ["Day 10", "Day 0"]);
    let below = |folder: &str| {
        let below = RepoPath::new(folder).unwrap();
        let head = repository.head().unwrap().id;
        let window = HistoryWindow { head, since_secs: None, commits_max: None, below: &below };
        let mut count = 0;
        repository.walk_history(&window, |_| count += 1).unwrap();
        count
    };
    assert_eq!((below("a"), below("b"), below("a/[x]"), below("c")), (3, 1, 1, 0));
}

#[test]
fn a_shallow_clone_is_known_and_walked_as_far_as_it_goes() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    fixture.write("a", "2");
    fixture.commit("Second");
    let clone = fixture.beside("clone");
    let source = format!("file://{}", fixture.root().display());
    fixture.git(&["clone", "--quiet", "--depth=1", &source, clone.to_str().unwrap()]);
    let shallow = Repository::discover(&clone).unwrap();
    assert!(shallow.is_shallow_clone());
    assert_eq!(subjects(&walk(&shallow, |_| ())), ["Second"]);
    assert!(!Repository::discover(fixture.root()).unwrap().is_shallow_clone());
}

#[test]
fn what_git_says_against_it_is_told() {
    let fixture = Fixture::with_files(&[("a", "1")]);
    let repository = Repository::discover(fixture.root()).unwrap();
    let below = RepoPath::root();
    let head = terrace_world::git::CommitId::from_bytes([7; 20]);
    let window = HistoryWindow { head, since_secs: None, commits_max: None, below: &below };
    let error = repository.walk_history(&window, |_| ()).unwrap_err();
    let GitError::Failed { source, .. } = &error else { panic!("{error}") };
    assert!(source.to_string().contains("0707"), "{source}");
}
