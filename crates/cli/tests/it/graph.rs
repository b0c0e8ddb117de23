//! The graph of an estate in each of its forms. Terraform is not needed for it.

use std::io::Write;
use std::process::{Command, Stdio};

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::small;

fn estate() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk
}

fn harbour() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.ok(&["init", "--example", "harbour"]);
    desk
}

#[test]
fn as_text_every_stack_is_there() {
    let text = estate().ok(&["graph"]).stdout;
    for stack in ["base", "middle", "top", "side"] {
        assert!(text.contains(stack), "{text}");
    }
}

#[test]
fn as_json_it_says_what_list_says() {
    let desk = harbour();
    let graph = desk.json(&["graph", "--format", "json"]);
    assert_eq!(graph["schema"], "terrace.graph/1");
    let list = desk.json(&["list", "--json"]);
    let upstream: usize =
        list["stacks"].as_array().unwrap().iter().map(|stack| stack["upstream"].as_array().unwrap().len()).sum();
    assert_eq!(graph["edges"].as_array().unwrap().len(), upstream, "{graph:#}");
}

#[test]
fn as_dot_graphviz_reads_it() {
    let text = harbour().ok(&["graph", "--format", "dot"]).stdout;
    assert!(text.starts_with("digraph"), "{text}");
    let Some(program) = tools::found_on_path("dot") else { return };
    let mut child = Command::new(program).arg("-Tcanon").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
}

#[test]
fn as_svg_it_is_one_picture_with_every_stack() {
    let desk = harbour();
    let text = desk.ok(&["graph", "--format", "svg"]).stdout;
    assert!(text.trim_start().starts_with('<') && text.trim_end().ends_with("</svg>"), "{text}");
    let list = desk.json(&["list", "--json"]);
    for stack in list["stacks"].as_array().unwrap() {
        let name = stack["name"].as_str().unwrap();
        assert!(text.contains(name), "{name} is not in the picture");
    }
    assert_eq!(desk.ok(&["graph", "--format", "svg"]).stdout, text, "the same picture each time");
}
