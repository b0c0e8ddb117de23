//! What the estate says of types of resources: `resource_types`.

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

/// What is known of these types in an estate with this block.
fn traits(block: &str, types: &[&str]) -> String {
    let loaded = load_estate(&MemoryTree::parse(&format!("{SMALLEST}{block}")), &RepoPath::root());
    assert_eq!(loaded.diagnostics, []);
    let estate = loaded.usable().unwrap();
    let line = |resource_type: &&str| {
        let traits = estate.resource_types.traits_of(resource_type);
        let words = [(traits.is_stateful, " stateful"), (traits.is_irreversible, " irreversible")];
        let words: String = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
        format!("{resource_type}:{words}\n")
    };
    types.iter().map(line).collect()
}

#[test]
fn the_estate_adds_types_and_takes_traits_away() {
    let types = ["acme_ledger", "acme_hsm_key", "aws_sqs_queue", "aws_kms_key", "aws_vpc"];
    assert_snapshot!(traits("", &types), @r"
    acme_ledger:
    acme_hsm_key:
    aws_sqs_queue: stateful
    aws_kms_key: stateful irreversible
    aws_vpc:
    ");
    let block = r#"
resource_types {
  stateful     = ["acme_ledger", "acme_hsm_*"]
  irreversible = ["acme_hsm_*"]
  disposable   = ["aws_sqs_queue"]
}
"#;
    assert_snapshot!(traits(block, &types), @r"
    acme_ledger: stateful
    acme_hsm_key: stateful irreversible
    aws_sqs_queue:
    aws_kms_key: stateful irreversible
    aws_vpc:
    ");
}

#[test]
fn nonsense_is_named_with_its_place() {
    assert_snapshot!(check_with(r#"
resource_types "x" {
  statefull    = ["a"]
  stateful     = ["", "aws_*_key", "aws_db_instance.main", "aws db", 7]
  irreversible = "aws_kms_key"
}
"#), @r#"
    error[extra-label]: a `resource_types` block has no label
     --> terrace.hcl:7:16
      |
    7 | resource_types "x" {
      |                ^^^ one too many

    error[unknown-attribute]: a `resource_types` block has no attribute `statefull`
     --> terrace.hcl:8:3
      |
    8 |   statefull    = ["a"]
      |   ^^^^^^^^^ unknown attribute
      |
      = help: Did you mean `stateful`?

    error[wrong-value]: the name of a resource type is empty
     --> terrace.hcl:9:19
      |
    9 |   stateful     = ["", "aws_*_key", "aws_db_instance.main", "aws db", 7]
      |                   ^^ not a type of resources
      |
      = help: Write the type as in `resource "TYPE" "NAME"`, such as `aws_db_instance`, or a beginning: `acme_hsm_*`.

    error[wrong-value]: a `*` can only stand at the end of a resource type
     --> terrace.hcl:9:23
      |
    9 |   stateful     = ["", "aws_*_key", "aws_db_instance.main", "aws db", 7]
      |                       ^^^^^^^^^^^ not a type of resources
      |
      = help: Write each type, or what they begin with: `acme_hsm_*`.

    error[wrong-value]: this is the address of a resource, and not a type
     --> terrace.hcl:9:36
      |
    9 |   stateful     = ["", "aws_*_key", "aws_db_instance.main", "aws db", 7]
      |                                    ^^^^^^^^^^^^^^^^^^^^^^ not a type of resources
      |
      = help: Write the type alone, such as `aws_db_instance`.

    error[wrong-value]: a resource type has letters, digits, `_` and `-`, and begins with a letter
     --> terrace.hcl:9:60
      |
    9 |   stateful     = ["", "aws_*_key", "aws_db_instance.main", "aws db", 7]
      |                                                            ^^^^^^^^ not a type of resources
      |
      = help: Write the type as in `resource "TYPE" "NAME"`, such as `aws_db_instance`, or a beginning: `acme_hsm_*`.

    error[wrong-type]: expected a string, found a number
     --> terrace.hcl:9:70
      |
    9 |   stateful     = ["", "aws_*_key", "aws_db_instance.main", "aws db", 7]
      |                                                                      ^ must be a string

    error[wrong-type]: expected a list of strings, found a string
      --> terrace.hcl:10:18
       |
    10 |   irreversible = "aws_kms_key"
       |                  ^^^^^^^^^^^^^ must be a list of strings
    "#);
}

#[test]
fn a_type_is_said_to_be_something_once() {
    assert_snapshot!(check_with(r#"
resource_types {
  stateful     = ["acme_ledger", "acme_*", "acme_ledger"]
  irreversible = ["acme_ledger"]
  disposable   = ["acme_*", "acme_cache"]
}
resource_types {}
"#), @r#"
    error[duplicate-name]: `acme_ledger` is said to be stateful twice
     --> terrace.hcl:8:44
      |
    8 |   stateful     = ["acme_ledger", "acme_*", "acme_ledger"]
      |                   -------------            ^^^^^^^^^^^^^ the second one
      |                   |
      |                   the first one
      |
      = help: Take one away. Of two patterns that stand for a type the longer one counts.

    error[duplicate-name]: `acme_*` is said to be stateful and disposable
      --> terrace.hcl:10:19
       |
     8 |   stateful     = ["acme_ledger", "acme_*", "acme_ledger"]
       |                                  -------- the first one
     9 |   irreversible = ["acme_ledger"]
    10 |   disposable   = ["acme_*", "acme_cache"]
       |                   ^^^^^^^^ the second one
       |
       = help: Take one away. Of two patterns that stand for a type the longer one counts.

    error[duplicate-block]: terrace.hcl has one `resource_types` block
      --> terrace.hcl:12:1
       |
     7 | resource_types {
       | -------------- the first one
    ...
    12 | resource_types {}
       | ^^^^^^^^^^^^^^ the second one
    "#);
}

#[test]
fn the_words_of_the_block_belong_in_it() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {
  stateful = ["a"]
}
environment "dev" {
  resource_types {}
}
pipeline {
  stage "dev" { environment = "dev" }
}
"#), @r#"
    error[unknown-attribute]: an `estate` block has no attribute `stateful`
     --> terrace.hcl:2:3
      |
    2 |   stateful = ["a"]
      |   ^^^^^^^^ unknown attribute
      |
      = help: `stateful` belongs in the `resource_types` block of terrace.hcl.

    error[unknown-block]: an `environment` block has no block `resource_types`
     --> terrace.hcl:5:3
      |
    5 |   resource_types {}
      |   ^^^^^^^^^^^^^^ unknown block
      |
      = help: `resource_types` belongs in terrace.hcl, at the top level.
    "#);
}
