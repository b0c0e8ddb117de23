//! Who decides and whose keys count: `team`, `trust`, `encryption`.

use insta::assert_snapshot;
use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_domain::path::RepoPath;

use crate::check::check;

const SMALLEST: &str = r#"
//- terrace.hcl
estate "e" {}
environment "dev" {}
pipeline {
  stage "dev" { environment = "dev" }
}
"#;

fn check_with(blocks: &str) -> String {
    check(&format!("{SMALLEST}{blocks}"))
}

#[test]
fn teams_keys_and_recipients_are_loaded() {
    let text = r#"
team "team-platform" { members = ["ada", "grace@example.com"] }
team "all" { members = ["*"] }
trust "release-bot" { public_key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
encryption {
  recipients = [
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
  ]
}
"#;
    let loaded = load_estate(&MemoryTree::parse(&format!("{SMALLEST}{text}")), &RepoPath::root());
    assert_eq!(loaded.diagnostics, []);
    let estate = loaded.usable().unwrap();
    assert_eq!(estate.teams["team-platform"].members, ["ada", "grace@example.com"]);
    assert!(estate.names("team-platform", "ada") && !estate.names("team-platform", "eve"));
    assert!(estate.names("all", "eve") && estate.names("eve", "eve") && !estate.names("eve", "ada"));
    let key = &estate.trust["release-bot"].public_key;
    assert_eq!(key.to_string(), "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert_eq!(estate.recipients.len(), 1);
}

#[test]
fn wrong_teams() {
    assert_snapshot!(check_with(r#"
team "team-a" { members = ["ada", "Ada Lovelace", "team-b", 7, "a*"] }
team "team-b" {}
team "team-b" { members = ["bob"] }
team { member = ["x"] }
"#), @r#"
    error[wrong-value]: `Ada Lovelace` is not the name of a person
     --> terrace.hcl:7:35
      |
    7 | team "team-a" { members = ["ada", "Ada Lovelace", "team-b", 7, "a*"] }
      |                                   ^^^^^^^^^^^^^^ must be a user name, an email, or "*" for everybody

    error[wrong-value]: `team-b` is a team, and the members of `team-a` are people
     --> terrace.hcl:7:51
      |
    7 | team "team-a" { members = ["ada", "Ada Lovelace", "team-b", 7, "a*"] }
      |                                                   ^^^^^^^^ must be a person
    8 | team "team-b" {}
      |      -------- the team
      |
      = help: Write the people here too. A gate can name several teams.

    error[wrong-type]: expected a string, found a number
     --> terrace.hcl:7:61
      |
    7 | team "team-a" { members = ["ada", "Ada Lovelace", "team-b", 7, "a*"] }
      |                                                             ^ must be a string

    error[wrong-value]: `a*` is not the name of a person
     --> terrace.hcl:7:64
      |
    7 | team "team-a" { members = ["ada", "Ada Lovelace", "team-b", 7, "a*"] }
      |                                                                ^^^^ must be a user name, an email, or "*" for everybody

    error[missing-attribute]: the team has no `members`
     --> terrace.hcl:8:6
      |
    8 | team "team-b" {}
      |      ^^^^^^^^ add `members = ["NAME"]`

    error[duplicate-name]: two teams are called `team-b`
     --> terrace.hcl:9:6
      |
    8 | team "team-b" {}
      |      -------- the first one
    9 | team "team-b" { members = ["bob"] }
      |      ^^^^^^^^ the second one

    error[missing-attribute]: the team has no `members`
      --> terrace.hcl:10:1
       |
    10 | team { member = ["x"] }
       | ^^^^ add `members = ["NAME"]`

    error[missing-label]: a `team` block needs a label: the team's name
      --> terrace.hcl:10:1
       |
    10 | team { member = ["x"] }
       | ^^^^ write `team "..." {`

    error[unknown-attribute]: a `team` block has no attribute `member`
      --> terrace.hcl:10:8
       |
    10 | team { member = ["x"] }
       |        ^^^^^^ unknown attribute
       |
       = help: Did you mean `members`?
    "#);
}

#[test]
fn wrong_keys() {
    assert_snapshot!(check_with(r#"
trust "a" { public_key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
trust "b" { public_key = "ed25519:AAAA" }
trust "c" {}
trust "d" { public_key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
trust "e" { public_key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
trust "d" { public_key = "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" }
"#), @r#"
    error[wrong-value]: a public key begins with `ed25519:`
     --> terrace.hcl:7:26
      |
    7 | trust "a" { public_key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
      |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not a public key
      |
      = help: `terrace key show` prints it as it is written here.

    error[wrong-value]: a public key has 32 bytes, this one has 3
     --> terrace.hcl:8:26
      |
    8 | trust "b" { public_key = "ed25519:AAAA" }
      |                          ^^^^^^^^^^^^^^ not a public key
      |
      = help: `terrace key show` prints it as it is written here.

    error[missing-attribute]: the trusted key has no `public_key`
     --> terrace.hcl:9:7
      |
    9 | trust "c" {}
      |       ^^^ add the key as `terrace key show` prints it

    error[duplicate-key]: `e` and `d` are the same key
      --> terrace.hcl:11:26
       |
    10 | trust "d" { public_key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
       |       --- is trusted already
    11 | trust "e" { public_key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
       |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the same key

    error[duplicate-name]: two trusted keys are called `d`
      --> terrace.hcl:12:7
       |
    10 | trust "d" { public_key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
       |       --- the first one
    11 | trust "e" { public_key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }
    12 | trust "d" { public_key = "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" }
       |       ^^^ the second one
    "#);
}

#[test]
fn wrong_recipients() {
    assert_snapshot!(check_with(r#"
encryption {
  recipients = [
    "age1ql3x7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    "AGE-SECRET-KEY-1QQPQYRN",
    "ssh-ed25519 AAAA",
  ]
}
encryption "twice" {}
"#), @r#"
    error[wrong-value]: the recipient's checksum is wrong
     --> terrace.hcl:9:5
      |
    9 |     "age1ql3x7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not an age recipient
      |
      = help: `age-keygen` prints it as `Public key: age1...`.

    error[wrong-value]: this is a secret key, and must not be here
      --> terrace.hcl:10:5
       |
    10 |     "AGE-SECRET-KEY-1QQPQYRN",
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^ a secret
       |
       = help: Write what `age-keygen -y` prints for it. This key was in the open: make a new one.

    error[wrong-value]: a recipient begins with `age1`
      --> terrace.hcl:11:5
       |
    11 |     "ssh-ed25519 AAAA",
       |     ^^^^^^^^^^^^^^^^^^ not an age recipient
       |
       = help: `age-keygen` prints it as `Public key: age1...`.

    error[duplicate-block]: terrace.hcl has one `encryption` block
      --> terrace.hcl:14:1
       |
     7 | encryption {
       | ---------- the first one
    ...
    14 | encryption "twice" {}
       | ^^^^^^^^^^ the second one
    "#);
    assert_snapshot!(check_with("encryption {}\nestate \"x\" {\n  team \"y\" {}\n}\n"), @r#"
    error[missing-attribute]: the encryption has no `recipients`
     --> terrace.hcl:6:1
      |
    6 | encryption {}
      | ^^^^^^^^^^ add `recipients = ["age1..."]`

    error[duplicate-block]: terrace.hcl has one `estate` block
     --> terrace.hcl:7:1
      |
    1 | estate "e" {}
      | ------ the first one
    ...
    7 | estate "x" {
      | ^^^^^^ the second one
    "#);
}
