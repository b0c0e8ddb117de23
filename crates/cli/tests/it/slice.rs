//! `terrace slice`: the examples of its document, word for word, and what a person may do wrong.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use terrace_testkit::fixture;
use terrace_testkit::repository::{ImportedCommit, Repository};

use crate::desk::Desk;

/// Where the examples are.
const DOCUMENT: &str = "docs/slice.md";

/// An estate with a history: its files come on day 0, and each line of `history` (as the document explains it) adds commits.
fn estate(files: &str, history: &str) -> Desk {
    let desk = Desk::at(Repository::empty());
    let mut commits = vec![commit("root", 0, "Begin", files_of(files))];
    commits.extend(history.lines().filter(|line| !line.trim().is_empty()).flat_map(commits_of));
    let (begin, rest) = commits.split_at_mut(1);
    rest.sort_by_key(|commit| commit.day);
    let texts = begin[0].files.clone();
    for (at, commit) in rest.iter_mut().enumerate() {
        for (path, text) in &mut commit.files {
            let own = texts.iter().find(|(known, _)| known == path).map_or("", |(_, text)| text);
            *text = format!("{own}# change {at}\n");
        }
    }
    desk.repository().import(&commits);
    desk
}

/// The files of a fixture, and in `terrace.hcl` what every estate has and none of these tests is about.
fn files_of(files: &str) -> Vec<(String, String)> {
    const REST: &str = "environment \"dev\" {}\npipeline {\n  stage \"dev\" {\n    environment = \"dev\"\n  }\n}\n";
    let with_rest = |(path, text): (&str, String)| {
        let rest = if path == "terrace.hcl" { REST } else { "" };
        (path.to_owned(), format!("{text}{rest}"))
    };
    fixture::files(files).into_iter().map(with_rest).collect()
}

fn commit(author: &str, day: u64, message: &str, files: Vec<(String, String)>) -> ImportedCommit {
    ImportedCommit { author: format!("{author} <{author}@example.com>"), day, message: message.to_owned(), files }
}

/// `AUTHOR FIRST+STEP*COUNT FILE...`.
fn commits_of(line: &str) -> Vec<ImportedCommit> {
    let words: Vec<_> = line.split_whitespace().collect();
    let (first, rest) = words[1].split_once('+').unwrap();
    let (step, count) = rest.split_once('*').unwrap();
    let [first, step, count] = [first, step, count].map(|number| number.parse::<u64>().unwrap());
    let files = || words[2..].iter().map(|path| ((*path).to_owned(), String::new())).collect();
    (0..count).map(|at| commit(words[0], first + at * step, &format!("Change {}", words[2]), files())).collect()
}

/// The fenced blocks of a document with these words behind the fence, in their sequence.
fn blocks(document: &str) -> Vec<(&str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut open = false;
    for line in document.lines() {
        match line.strip_prefix("```") {
            Some(word) if !open => {
                blocks.push((word, String::new()));
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                let text = &mut blocks.last_mut().unwrap().1;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

#[test]
fn the_examples_of_the_document_are_what_comes_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DOCUMENT);
    let document = fs::read_to_string(&path).unwrap();
    let (mut files, mut history, mut examples) = (String::new(), String::new(), 0);
    let mut wrong = String::new();
    for (word, text) in blocks(&document) {
        match word {
            "estate" => (files, history) = (text, String::new()),
            "history" => history = text,
            "console" => {
                let (command, expected) = text.split_once('\n').unwrap();
                let arguments: Vec<_> = command.trim_start_matches("$ terrace ").split(' ').collect();
                let found = estate(&files, &history).ok(&arguments).stdout;
                examples += 1;
                if found.trim_end() != expected.trim_end() {
                    let _ = writeln!(wrong, "{command}\n{found}");
                }
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{DOCUMENT} says otherwise:\n{wrong}");
    assert_eq!(examples, 4, "an example for each criterion");
}

/// Two stacks that are each of one team, one service and one pace.
const CLEAN: &str = r#"
//- terrace.hcl
estate "shop" {}
team "team-net" {
  members = ["ada"]
}
team "team-shop" {
  members = ["bob"]
}
//- CODEOWNERS
* @acme/everybody
/stacks/net/ @acme/team-net
/stacks/shop/ @acme/team-shop
//- stacks/net/stack.hcl
stack "net" {
  owner = "team-net"
}
//- stacks/net/main.tf
resource "aws_vpc" "main" {}
resource "aws_subnet" "a" {
  vpc_id = aws_vpc.main.id
}
output "id" {
  value = aws_vpc.main.id
}
//- stacks/shop/stack.hcl
stack "shop" {
  owner = "team-shop"
  inputs = {
    network = stack.net.id
  }
}
//- stacks/shop/main.tf
variable "network" {}
resource "aws_lambda_function" "api" {
  vpc = var.network
}
resource "aws_iam_role" "api" {}
"#;

const CLEAN_HISTORY: &str = "
ada 1+9*30 stacks/net/main.tf
bob 4+7*40 stacks/shop/main.tf
ada 5+60*4 stacks/shop/main.tf
";

#[test]
fn a_good_cut_has_no_findings() {
    let desk = estate(&CLEAN.replace("* @acme/everybody\n", ""), CLEAN_HISTORY);
    let done = desk.ok(&["slice", "--check"]);
    let done = done.says(&["Nothing to cut otherwise: 2 stacks judged by 75 commits since"]);
    assert_eq!(done.stdout, "");
    assert!(!done.stderr.contains("warning"), "{done}");
    let report = desk.json(&["slice", "--json"]);
    assert_eq!(
        (report["schema"].as_str(), report["findings"].as_array().map(Vec::len)),
        (Some("terrace.slice/1"), Some(0))
    );
    assert_eq!(report["history"]["counted"], 75);
}

#[test]
fn an_owner_that_the_estate_does_not_know_is_told() {
    let desk = estate(CLEAN, CLEAN_HISTORY);
    desk.ok(&["slice"]).says(&["the estate knows no owner `@acme/everybody`", "CODEOWNERS:1:3"]);
    desk.write("CODEOWNERS", "/stacks/net/ @acme/team-shop\n!x @a\n");
    let done = desk.ok(&["slice", "--criterion", "team"]).says(&["line 2 of CODEOWNERS has no usable pattern"]);
    assert!(done.stdout.contains("net belongs to team-net, and CODEOWNERS says team-shop"), "{done}");
}

/// Two findings: permissions of `base`, teams of `shop`.
fn two_findings() -> Desk {
    let base = "
//- stacks/base/stack.hcl
stack \"base\" {}
//- stacks/base/main.tf
resource \"aws_vpc\" \"main\" {}
resource \"aws_subnet\" \"a\" {
  vpc_id = aws_vpc.main.id
}
resource \"aws_s3_bucket\" \"logs\" {}
resource \"aws_s3_bucket_policy\" \"logs\" {
  bucket = aws_s3_bucket.logs.id
}
";
    estate(&format!("{CLEAN}{base}"), &CLEAN_HISTORY.replace("5+60*4", "5+8*30"))
}

#[test]
fn findings_are_selected_and_can_fail_a_pipeline() {
    let desk = two_findings();
    let rules = |arguments: &[&str]| {
        let report = desk.json(&[&["slice", "--json"], arguments].concat());
        let findings = report["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rules(&[]), ["unrelated-permissions", "several-teams"]);
    assert_eq!(rules(&["shop"]), ["several-teams"]);
    assert_eq!(rules(&["stacks/n*"]), [""; 0]);
    assert_eq!(rules(&["--criterion", "permission,capability"]), ["unrelated-permissions"]);
    assert_eq!(rules(&["--criterion", "pace"]), [""; 0]);
    assert_eq!(rules(&["--commits", "5"]), ["unrelated-permissions"]);
    assert_eq!(rules(&["--since", "20d"]), ["unrelated-permissions"]);
    desk.run(&["slice", "--check"]).expect(1);
    desk.run(&["slice", "--check", "net"]).expect(0);
    desk.ok(&["slice", "shop"]).says(&["`--why` shows all evidence."]);
    let report = desk.json(&["slice", "base", "--json"]);
    let finding = &report["findings"][0];
    assert_eq!((&finding["radius"]["before"], &finding["radius"]["after"]), (&4.into(), &2.into()));
    assert_eq!(finding["proposal"]["kind"], "split");
    assert_eq!(finding["proposal"]["pieces"][1]["name"], "base-network");
    assert_eq!(finding["proposal"]["pieces"][1]["addresses"][1], "aws_vpc.main");
}

#[test]
fn without_a_history_the_code_can_be_judged() {
    let desk = Desk::at(Repository::plain());
    for (path, text) in files_of(CLEAN) {
        desk.write(&path, text);
    }
    desk.run(&["slice"]).expect(2).says(&["is not in a git repository", "--criterion permission,capability"]);
    desk.ok(&["slice", "--criterion", "permission,capability"]).says(&["Nothing to cut otherwise: 2 stacks judged."]);
    let desk = Desk::at(Repository::empty());
    for (path, text) in files_of(CLEAN) {
        desk.write(&path, text);
    }
    desk.run(&["slice"]).expect(2).says(&["has no commit yet", "--criterion permission,capability"]);
}

#[test]
fn a_history_that_says_little_is_told() {
    let desk = estate(CLEAN, "ada 1+9*3 stacks/net/main.tf");
    desk.ok(&["slice"]).says(&["only 4 commits of the history count"]);
    let clone = desk.repository().beside("clone");
    let source = format!("file://{}", desk.repository().root().display());
    desk.repository().git(&["clone", "--quiet", "--depth=2", &source, clone.to_str().unwrap()]);
    desk.ok(&["slice", "-C", clone.to_str().unwrap()]).says(&["this is a shallow clone", "git fetch --unshallow"]);
}

#[test]
fn what_nobody_meant_is_refused() {
    let desk = estate(CLEAN, "");
    desk.run(&["slice", "nett"]).expect(2).says(&["no stack is called `nett`", "Did you mean `net`?"]);
    desk.run(&["slice", "--criterion", "speed"]).expect(2).says(&["speed", "permission"]);
    desk.run(&["slice", "--commits", "0"]).expect(2).says(&["--commits"]);
    desk.run(&["slice", "--since", "yesterday"]).expect(2).says(&["how long ago"]);
    desk.write("stacks/net/stack.hcl", "stack \"net\" {\n");
    desk.run(&["slice"]).expect(2).says(&["the estate has 1 error"]);
}

#[test]
fn names_and_messages_cannot_write_on_the_screen() {
    let desk = Desk::at(Repository::empty());
    let mut commits = vec![commit("root", 0, "Begin", files_of(CLEAN))];
    for day in 1..40 {
        let author = if day % 2 == 0 { "ada" } else { "bob" };
        let mut commit =
            commit(author, day, "\u{1b}[2JGone", vec![("stacks/net/main.tf".to_owned(), format!("# {day}\n"))]);
        commit.author = format!("{author}\u{1b}[31m <{author}@example.com>");
        commits.push(commit);
    }
    desk.repository().import(&commits);
    let done = desk.ok(&["slice", "--why", "--criterion", "team"]);
    assert!(done.stdout.contains("several-teams") && done.stdout.contains("Gone"), "{done}");
    assert!(!done.stdout.contains('\u{1b}'), "{done}");
}

#[test]
fn an_estate_in_a_subfolder_has_its_own_history() {
    let desk = Desk::at(Repository::empty()).in_folder("infra");
    for (path, text) in files_of(CLEAN) {
        desk.write(&format!("infra/{path}"), text);
    }
    desk.commit("Begin");
    for at in 0..3 {
        desk.write("app/main.rs", format!("// {at}\n"));
        desk.commit("Elsewhere");
    }
    let report = desk.json(&["slice", "--json"]);
    assert_eq!((&report["history"]["commits"], &report["history"]["counted"]), (&1.into(), &1.into()));
}
