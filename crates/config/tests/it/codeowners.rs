//! `CODEOWNERS` as people write it: who owns a file, and what is said of lines that are wrong.

use proptest::prelude::*;
use terrace_config::codeowners::{Codeowners, OwnerKind};
use terrace_config::fixture::MemoryTree;
use terrace_config::{load_estate, render, sources};
use terrace_domain::path::RepoPath;

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn owners(read: &Codeowners, file: &str) -> Vec<String> {
    read.owners_of(&path(file)).iter().map(ToString::to_string).collect()
}

fn read(text: &str) -> Codeowners {
    let (read, wrong) = Codeowners::read(&path("CODEOWNERS"), text);
    assert!(wrong.is_empty(), "{wrong:?}");
    read
}

#[test]
fn the_last_line_that_matches_counts() {
    let read = read(
        "* @everyone\n/stacks/ @acme/platform ops@example.com\n/stacks/shop/ @acme/shop # theirs\n/stacks/shop/README.md\n",
    );
    assert_eq!(owners(&read, "terrace.hcl"), ["@everyone"]);
    assert_eq!(owners(&read, "stacks/net/main.tf"), ["@acme/platform", "ops@example.com"]);
    assert_eq!(owners(&read, "stacks/shop/main.tf"), ["@acme/shop"]);
    assert_eq!(owners(&read, "stacks/shop/README.md"), [""; 0]);
    let rule = read.rule_of(&path("stacks/shop/main.tf")).unwrap();
    assert_eq!((rule.pattern.as_str(), rule.line), ("/stacks/shop/", 3));
    let kinds: Vec<_> = read.rules()[1].owners.iter().map(|owner| (owner.kind(), owner.name())).collect();
    assert_eq!(kinds, [(OwnerKind::Team, "platform"), (OwnerKind::Email, "ops@example.com")]);
}

#[test]
fn the_first_place_with_a_file_counts() {
    let load = |fixture: &str| {
        let (read, wrong) = Codeowners::load(&MemoryTree::parse(fixture));
        assert!(wrong.is_empty(), "{wrong:?}");
        read.map(|read| (read.path().to_string(), owners(&read, "x")))
    };
    let all = "//- docs/CODEOWNERS\n* @docs\n//- CODEOWNERS\n* @root\n//- .github/CODEOWNERS\n* @github\n";
    assert_eq!(load(all), Some((".github/CODEOWNERS".to_owned(), vec!["@github".to_owned()])));
    assert_eq!(load("//- docs/CODEOWNERS\n* @docs\n").unwrap().0, "docs/CODEOWNERS");
    assert_eq!(load("//- other/CODEOWNERS\n* @docs\n"), None);
}

#[test]
fn a_line_that_is_wrong_is_passed_over_and_told() {
    let tree = MemoryTree::parse(
        "//- CODEOWNERS\n* @acme/all\n!docs/ @acme/docs\n[Databases]\n/stacks/ acme/platform\n/x[12]/ @acme/x\n/shop/ @acme/shop\n",
    );
    let (read, wrong) = Codeowners::load(&tree);
    let read = read.unwrap();
    assert_eq!(owners(&read, "stacks/main.tf"), ["@acme/all"]);
    assert_eq!(owners(&read, "shop/main.tf"), ["@acme/shop"]);
    insta::assert_snapshot!(render(&wrong, &sources(&tree, &wrong), false), @r"
    warning[codeowners]: line 2 of CODEOWNERS has no usable pattern
     --> CODEOWNERS:2:1
      |
    2 | !docs/ @acme/docs
      | ^^^^^^ `!` takes nothing back here
      |
      = help: Write a later line with the pattern and no owner: it takes ownership away. Until then the line counts for nothing.

    warning[codeowners]: line 3 of CODEOWNERS has no usable pattern
     --> CODEOWNERS:3:1
      |
    3 | [Databases]
      | ^^^^^^^^^^^ a section, which only GitLab knows
      |
      = help: Write the owners on each line: Terrace reads the form that GitHub and GitLab share. Until then the line counts for nothing.

    warning[codeowners]: line 4 of CODEOWNERS names an owner that is none: `acme/platform`
     --> CODEOWNERS:4:10
      |
    4 | /stacks/ acme/platform
      |          ^^^^^^^^^^^^^ not an owner
      |
      = help: Owners are `@user`, `@organisation/team` and email addresses; write spaces in a pattern as `\ `. Until then the line counts for nothing.

    warning[codeowners]: line 5 of CODEOWNERS has no usable pattern
     --> CODEOWNERS:5:1
      |
    5 | /x[12]/ @acme/x
      | ^^^^^^^ `[ ]` has no meaning here
      |
      = help: Write `*` or `?`, or a line for each name. Until then the line counts for nothing.
    ");
}

#[test]
fn a_file_that_is_no_text_or_too_large_is_told() {
    let tree = MemoryTree::default().with("CODEOWNERS", b"* @a\n\xff\n".to_vec());
    let (read, wrong) = Codeowners::load(&tree);
    assert!(read.is_none());
    assert_eq!(wrong[0].code, "not-text");
    let tree = MemoryTree::default().with("CODEOWNERS", vec![b'#'; (3 << 20) + 1]);
    let (read, wrong) = Codeowners::load(&tree);
    assert!(read.is_none());
    assert_eq!(wrong[0].code, "too-large");
}

#[test]
fn owners_that_the_estate_does_not_know_are_told() {
    let tree = MemoryTree::parse(
        r#"
//- terrace.hcl
estate "shop" {}
team "team-shop" {
  members = ["ada", "bob@example.com"]
}
//- stacks/net/stack.hcl
stack "net" {
  owner = "team-network"
}
//- CODEOWNERS
* @acme/team-shop @ada bob@example.com
/stacks/net/ @acme/team-netwrok
/stacks/old/ carl@example.com
"#,
    );
    let estate = load_estate(&tree, &RepoPath::root()).estate.unwrap();
    let (read, wrong) = Codeowners::load(&tree);
    assert!(wrong.is_empty());
    let strangers = read.unwrap().strangers(&estate);
    insta::assert_snapshot!(render(&strangers, &sources(&tree, &strangers), false), @r"
    warning[unknown-owner]: the estate knows no owner `@acme/team-netwrok`
     --> CODEOWNERS:2:14
      |
    2 | /stacks/net/ @acme/team-netwrok
      |              ^^^^^^^^^^^^^^^^^^ owns files of the repository
      |
      = help: Did you mean `team-network`?

    warning[unknown-owner]: the estate knows no owner `carl@example.com`
     --> CODEOWNERS:3:14
      |
    3 | /stacks/old/ carl@example.com
      |              ^^^^^^^^^^^^^^^^ owns files of the repository
      |
      = help: Add a `team` block of that name to terrace.hcl, or a member to one.
    ");
}

#[test]
fn of_many_rules_each_counts() {
    let lines: Vec<String> = (0..1000).map(|at| format!("/stacks/s{at:04}/ @acme/t{at}")).collect();
    let read = read(&lines.join("\n"));
    for at in [0, 199, 200, 201, 999] {
        assert_eq!(owners(&read, &format!("stacks/s{at:04}/main.tf")), [format!("@acme/t{at}")]);
    }
}

proptest! {
    #[test]
    fn no_text_brings_it_down(text in "([ -~\\n\\t\\\\#@/*!\\[\\]{}]|ü){0,200}") {
        let (read, wrong) = Codeowners::read(&path("CODEOWNERS"), &text);
        for diagnostic in &wrong {
            let range = diagnostic.primary.as_ref().unwrap().place.range.clone();
            prop_assert!(text.get(range).is_some());
        }
        let _ = read.owners_of(&path("stacks/a/main.tf"));
        prop_assert!(read.rules().len() + wrong.len() <= text.lines().count());
    }
}
