//! The forms in which diagnostics are shown.

use insta::assert_json_snapshot;
use terrace_config::fixture::MemoryTree;
use terrace_config::{render, sources, wire};

use crate::check::{SMALLEST, diagnose};

fn broken() -> MemoryTree {
    MemoryTree::default()
        .with("terrace.hcl", SMALLEST)
        .with("a/main.tf", "")
        .with("a/stack.hcl", "stack \"a\" {\n  owner = \"größe\"\n  /* ö */ onwer = 1\n}\n")
        .with("b/stack.hcl", b"\0".as_slice())
        .with("c/stack.hcl", "stack \"a\" {}")
        .with("c/main.tf", "")
}

#[test]
fn programs_get_lines_and_columns() {
    let tree = broken();
    let diagnostics = diagnose(&tree);
    assert_json_snapshot!(wire(&diagnostics, &sources(&tree, &diagnostics)), @r#"
    [
      {
        "severity": "error",
        "code": "unknown-attribute",
        "summary": "a `stack` block has no attribute `onwer`",
        "file": "a/stack.hcl",
        "line": 3,
        "column": 11,
        "end_line": 3,
        "end_column": 16,
        "help": "Did you mean `owner`?",
        "related": []
      },
      {
        "severity": "error",
        "code": "not-text",
        "summary": "`b/stack.hcl` is not a text file: it has a NUL byte",
        "file": "b/stack.hcl",
        "line": null,
        "column": null,
        "end_line": null,
        "end_column": null,
        "help": "The byte at offset 0 does not occur in text; configuration is written in UTF-8.",
        "related": []
      },
      {
        "severity": "error",
        "code": "duplicate-name",
        "summary": "two stacks are called `a`",
        "file": "c/stack.hcl",
        "line": 1,
        "column": 7,
        "end_line": 1,
        "end_column": 10,
        "help": "A stack's name is unique in its estate: state, releases and records are kept under it.",
        "related": [
          {
            "file": "a/stack.hcl",
            "line": 1,
            "column": 7,
            "end_line": 1,
            "end_column": 10,
            "label": "the first one"
          }
        ]
      }
    ]
    "#);
}

#[test]
fn colours_are_there_when_wanted() {
    let tree = broken();
    let diagnostics = diagnose(&tree);
    let texts = sources(&tree, &diagnostics);
    assert!(render(&diagnostics, &texts, true).contains("\u{1b}["));
    assert!(!render(&diagnostics, &texts, false).contains('\u{1b}'));
}

#[test]
fn a_file_cannot_drive_the_terminal() {
    let tree = MemoryTree::default()
        .with("terrace.hcl", SMALLEST)
        .with("a/stack.hcl", "stack \"a\u{1b}[2J\" {\n  owner = \"\u{1b}]0;title\u{7}\"\n  nope = 1\n}\n");
    let diagnostics = diagnose(&tree);
    let text = render(&diagnostics, &sources(&tree, &diagnostics), false);
    assert!(text.contains("nope") && !text.contains(['\u{1b}', '\u{7}']), "{text:?}");
}

#[test]
fn diagnostics_without_sources_are_shown_too() {
    let tree = broken();
    let diagnostics = diagnose(&tree);
    let text = render(&diagnostics, &terrace_config::Sources::new(), false);
    assert!(text.contains("a/stack.hcl") && text.contains("unknown-attribute"), "{text}");
}
