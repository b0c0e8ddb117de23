//! Files that are no configuration at all.

use insta::assert_snapshot;
use terrace_config::fixture::MemoryTree;

use crate::check::{SMALLEST, check, check_tree};

#[test]
fn no_estate() {
    assert_snapshot!(check_tree(&MemoryTree::parse("//- stack.hcl\nstack \"a\" {}\n")), @r#"
    error[no-estate]: there is no terrace.hcl in `.`
     |
     = help: Run `terrace init` to begin an estate here.
    "#);
}

#[test]
fn a_syntax_error_in_one_of_many() {
    assert_snapshot!(check("
//- a/stack.hcl
stack \"a\" {
  owner = 
}
//- b/stack.hcl
stack \"b\" {
  onwer = \"team\"
}
//- b/main.tf
"), @r#"
    error[syntax]: invalid expression
     --> a/stack.hcl:2:11
      |
    2 |   owner = 
      |           ^ expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit

    error[unknown-attribute]: a `stack` block has no attribute `onwer`
     --> b/stack.hcl:2:3
      |
    2 |   onwer = "team"
      |   ^^^^^ unknown attribute
      |
      = help: Did you mean `owner`?
    "#);
}

#[test]
fn a_block_that_is_not_closed() {
    assert_snapshot!(check("//- a/stack.hcl\nstack \"a\" {\n  owner = \"größe\"\n"), @r#"
    error[syntax]: invalid block body
     --> a/stack.hcl:2:18
      |
    2 |   owner = "größe"
      |                  ^ expected `}`, newline or identifier
    "#);
}

#[test]
fn bytes_that_are_no_text() {
    let tree = MemoryTree::default()
        .with("terrace.hcl", SMALLEST)
        .with("a/stack.hcl", [b"stack".as_slice(), &[0xff, 0xfe, 0x00]].concat())
        .with("b/stack.hcl", [b"# caf".as_slice(), &[0xe9, b'\n']].concat());
    assert_snapshot!(check_tree(&tree), @r#"
    error[not-text]: `a/stack.hcl` is not a text file: it has a NUL byte
    --> a/stack.hcl
     = help: The byte at offset 7 does not occur in text; configuration is written in UTF-8.

    error[not-text]: `b/stack.hcl` is not a text file: it is not UTF-8
    --> b/stack.hcl
     = help: The byte at offset 5 does not occur in text; configuration is written in UTF-8.
    "#);
}

#[test]
fn a_file_that_is_too_large() {
    let tree = MemoryTree::default().with("terrace.hcl", SMALLEST).with("a/stack.hcl", "# x\n".repeat(1 << 19));
    assert_snapshot!(check_tree(&tree), @r#"
    error[too-large]: `a/stack.hcl` is larger than 1024 KiB
     --> a/stack.hcl:1:1
      |
    1 | # x
      | ^
      |
      = help: A configuration file is text that people write and read; is this one?
    "#);
}

#[test]
fn one_line_of_garbage_is_cut() {
    let garbage = "]&%/({=".repeat(2_000);
    let tree = MemoryTree::default().with("terrace.hcl", SMALLEST).with("a/stack.hcl", garbage);
    let text = check_tree(&tree);
    assert!(text.len() < 2_000, "{} bytes", text.len());
}

#[test]
fn too_many_entries() {
    let many = "k0=1\n".repeat(10_001);
    let tree = MemoryTree::default().with("terrace.hcl", SMALLEST).with("a/stack.hcl", many);
    assert_snapshot!(check_tree(&tree), @r#"
    error[too-large]: `a/stack.hcl` has more than 10000 entries
     --> a/stack.hcl:1:1
      |
    1 | k0=1
      | ^
    "#);
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    assert_snapshot!(check("//- a/stack.hcl\n\u{feff}stack \"a\" {\n  what = 1\n}\n//- a/main.tf\n"), @r#"
    error[unknown-attribute]: a `stack` block has no attribute `what`
     --> a/stack.hcl:2:3
      |
    2 |   what = 1
      |   ^^^^ unknown attribute
      |
      = help: Known here: `capability`, `owner`, `description`, `identity`, `inputs`, `depends_on`, `watch`.
    "#);
}

#[test]
fn links_are_not_followed() {
    assert_snapshot!(check("//- a/stack.hcl -> ../b/stack.hcl\n//- b/stack.hcl @submodule\n"), @r#"
    error[symlink]: `a/stack.hcl` is a symbolic link
    --> a/stack.hcl
     = help: Put the file itself here: links are not followed, because they can lead out of the repository.

    error[not-a-file]: `b/stack.hcl` is a submodule, not a file
    --> b/stack.hcl
    "#);
}

#[test]
fn nesting_too_deep() {
    let deep = format!("stack \"a\" {{\n  inputs = {{ x = {}1{} }}\n}}\n", "[".repeat(300), "]".repeat(300));
    let chain = format!("stack \"b\" {{\n  inputs = {{ x = env{} }}\n}}\n", ".a".repeat(5_000));
    let tree = MemoryTree::default().with("terrace.hcl", SMALLEST).with("a/stack.hcl", deep).with("b/stack.hcl", chain);
    assert_snapshot!(check_tree(&tree), @r#"
    error[syntax]: invalid nesting depth
     --> a/stack.hcl:2:61
      |
    2 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...
      |                                                             ^ expected at most 64 nested levels

    error[no-code]: the stack `b` has no Terraform code
     --> b/stack.hcl:1:7
      |
    1 | stack "b" {
      |       ^^^ no `.tf` file in its folder
      |
      = help: A stack is a folder of `.tf` files beside its stack.hcl.

    error[too-deep]: the expression is nested too deeply
     --> b/stack.hcl:2:18
      |
    2 | ... = env.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ too deep here
    "#);
}

#[test]
fn more_than_a_hundred_diagnostics() {
    let wrong = "  wrong {}\n".repeat(130);
    let text = check(&format!("//- a/stack.hcl\nstack \"a\" {{\n{wrong}}}\n//- a/main.tf\n"));
    assert_eq!(text.matches("error[").count(), 100);
    assert!(text.ends_with("and 30 more: 30 errors, 0 warnings\n"), "{text}");
}

#[test]
fn one_mistake_is_one_diagnostic() {
    assert_snapshot!(check(r#"
//- terrace.hcl
estate "e" {}
environment "dev" {
  vars = merge({ region = "x" }, nothing)
}
pipeline {
  stage "dev" { environment = "dev" }
}
//- a/stack.hcl
# The network
stack "a" {
  inputs = {
//- b/stack.hcl
stack "b" {
  depends_on = [stack.a]
  inputs = {
    id     = stack.a.id
    region = env.region
  }
}
//- b/main.tf
variable "id" {}
variable "region" {}
"#), @r#"
    error[syntax]: invalid block body
     --> a/stack.hcl:3:3
      |
    3 |   inputs = {
      |   ^ expected `}`, newline or identifier

    error[expression]: `nothing` cannot be used here: the value must be a constant
     --> terrace.hcl:3:34
      |
    3 |   vars = merge({ region = "x" }, nothing)
      |                                  ^^^^^^^
    "#);
}
