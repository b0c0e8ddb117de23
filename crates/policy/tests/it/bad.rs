//! Policies that cannot be used, and rules that cannot be decided: each names the place.

use std::fmt::Write;

use insta::assert_snapshot;
use serde_json::json;
use terrace_config::fixture::MemoryTree;
use terrace_domain::path::RepoPath;
use terrace_policy::{FILE_BYTES_MAX, files};

use crate::checked::{load_tree, said, wrong};

#[test]
fn what_does_not_compile() {
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\n\ndeny[msg] {\n  msg := \"x\"\n"), @"policy/a.rego:5:1: expecting `}` while parsing query");
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\n\nimport rego.v1\n\ndeny contains msg {\n  msg := \"x\"\n}\n"), @"policy/a.rego:5:19: `if` keyword is required before rule body");
    assert_snapshot!(wrong("//- policy/a.rego\ndeny { true }\n"), @"policy/a.rego:1:1: expecting `package` Missing package declaration.");
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\ndeny[msg] { msg := message }\n"), @"policy/a.rego:2:20: the variable `message` never has a value");
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\nimport rego.v1\ndeny contains msg if { msg := $\"{input.x} is bad\" }\n"), @"policy/a.rego:3:31: invalid character");
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\ndeny[\"a\"] { true\n//- policy/b.rego\npackage main\nwarn[\"a\"] { ) }\n"), @r"
    policy/a.rego:3:1: expecting `}` while parsing query
    policy/b.rego:2:11: expecting }
    ");
}

#[test]
fn what_is_no_text_or_none_at_all() {
    assert_snapshot!(wrong("//- policy/a.rego\n//- policy/b.rego\n  \n//- policy/c.rego\n# only a comment\n"), @r"
    policy/a.rego: the file is empty
    policy/b.rego: the file is empty
    policy/c.rego:2:1: expecting `package` Missing package declaration.
    ");
    let broken = MemoryTree::parse("").with("policy/a.rego", b"package main\n\ndeny[\"\xff\"] { true }\n".to_vec());
    assert_snapshot!(load_tree(&broken).unwrap_err(), @"policy/a.rego:3:7: it is not UTF-8");
    let large = MemoryTree::parse("").with("policy/a.rego", vec![b'#'; FILE_BYTES_MAX + 1]);
    assert_snapshot!(load_tree(&large).unwrap_err(), @"policy/a.rego: it has 524289 bytes; the limit for a file of policies is 512 KiB");
    let marked = MemoryTree::parse("").with("policy/a.rego", "\u{feff}package main\r\n\r\ndeny[\"a\"] { true }\r\n");
    assert_eq!(load_tree(&marked).unwrap().namespaces(), ["main"]);
}

#[test]
fn functions_that_are_not_there() {
    let fixture = r#"
//- policy/a.rego
package main

import data.lib

deny[msg] {
  crypto.sha256(input.x) == "y"
  response := http.send({"url": input.url})
  lib.missing(response)
  own(1)
  contains_all(input, ["a"])
  upper(input.x) == lower(input.x)
  msg := io.jwt.decode(input.token)
}

own(x) { x == 1 }
//- policy/lib.rego
package lib

present(x) { x }
"#;
    assert_snapshot!(wrong(fixture), @r"
    policy/a.rego:6:3: there is no function `crypto.sha256` in this package, and Terrace's Rego has no such builtin
    policy/a.rego:7:15: there is no function `http.send` in this package, and Terrace's Rego has no such builtin
    policy/a.rego:8:3: there is no function `lib.missing`
    policy/a.rego:10:3: there is no function `contains_all` in this package, and Terrace's Rego has no such builtin
    policy/a.rego:12:10: there is no function `io.jwt.decode` in this package, and Terrace's Rego has no such builtin
    ");
}

#[test]
fn rules_that_nobody_would_ask() {
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\n\nimport rego.v1\n\ndeny.bucket contains \"a\" if true\n"), @"policy/a.rego:5:1: the rule `deny.bucket` would not be asked: name it `deny_bucket`");
    let library = "//- policy/a.rego\npackage main\n\nallow { true }\n";
    assert_snapshot!(said(library, &json!({})), @r"
    problem no rule was found in the namespace `main`, and what asks nothing must not pass; a rule is named `deny`, `violation` or `warn`, or begins with one of these and `_`
    0 rules, 0 passed
    ");
    let elsewhere = "//- policy/a.rego\npackage terraform.aws\n\ndeny[\"a\"] { true }\n";
    assert_snapshot!(said(elsewhere, &json!({})), @r"
    problem no rule was found in the namespace `main`, and what asks nothing must not pass; there are rules in `terraform.aws`
    0 rules, 0 passed
    ");
}

#[test]
fn what_goes_wrong_while_it_is_evaluated() {
    let one =
        |body: &str| said(&format!("//- policy/a.rego\npackage main\n\n{body}\n"), &json!({ "zero": 0, "text": "t" }));
    assert_snapshot!(one("deny[msg] { 1 / input.zero > 0; msg := \"a\" }"), @r"
    problem policy/a.rego:3:15: divide by zero
    1 rules, 0 passed
    ");
    assert_snapshot!(one("deny[msg] { to_number(input.text) > 0; msg := \"a\" }"), @r"
    problem policy/a.rego:3:28: could not parse string as number
    1 rules, 0 passed
    ");
    assert_snapshot!(one("deny[msg] { ratio(1) > 0; msg := \"a\" }\nratio(x) = y { y := x / input.zero }"), @r"
    problem policy/a.rego:4:23: divide by zero
    1 rules, 0 passed
    ");
    assert_snapshot!(one("deny = \"a\" { true }\ndeny = \"b\" { true }"), @r"
    problem policy/a.rego:4:1: rule conflicts with rule at policy/a.rego:3:1
    1 rules, 0 passed
    ");
    assert_snapshot!(one("deny[msg] { a; msg := \"a\" }\na { b }\nb { a }"), @r"
    problem policy/a.rego:4:1: recursion detected when evaluating rule
    1 rules, 0 passed
    ");
    assert_snapshot!(one("deny[3] { true }"), @r"
    problem policy/a.rego:3:1: `data.main.deny`: it gives a number where a message belongs
    1 rules, 0 passed
    ");
    assert_snapshot!(one("deny[{\"message\": \"a\"}] { true }"), @r"
    problem policy/a.rego:3:1: `data.main.deny`: it gives an object without a text `msg`
    1 rules, 0 passed
    ");
    assert_snapshot!(one("f(x) = 1 { x > 0 }\nf(x) = 2 { x > 1 }\ndeny[\"a\"] { f(3) > 0 }"), @r"
    problem policy/a.rego:5:14: functions must not produce multiple outputs for same inputs
    1 rules, 0 passed
    ");
}

#[test]
fn other_rules_are_still_told() {
    let fixture = r#"
//- policy/a.rego
package main
deny_a[msg] { msg := "found" }
deny_b[msg] { 1 / input.zero > 0; msg := "b" }
warn[msg] { x := input.zero % input.zero; msg := sprintf("%d", [x]) }
"#;
    assert_snapshot!(said(fixture, &json!({ "zero": 0 })), @r"
    deny policy/a.rego:2 data.main.deny_a: found
    problem policy/a.rego:3:17: divide by zero
    problem policy/a.rego:4:29: modulo by zero
    3 rules, 0 passed
    ");
}

#[test]
fn functions_that_call_themselves() {
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\nf(x) = y { y := f(x + 1) }\ndeny[\"a\"] { f(0) }\n"), @"policy/a.rego:2:1: the function `f` calls itself, which Rego does not allow");
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\nimport data.lib.g\nf(x) = y { y := g(x) }\ndeny[\"a\"] { f(0) }\n//- policy/lib.rego\npackage lib\ng(x) = y { y := data.main.f(x) }\n"), @"policy/a.rego:3:1: the function `f` calls itself through others, which Rego does not allow");
    let mut deep = String::from("//- policy/a.rego\npackage main\ndeny[\"a\"] { r0 }\n");
    for number in 0..600 {
        let _ = writeln!(deep, "r{number} {{ r{} }}", number + 1);
    }
    deep.push_str("r600 { true }\n");
    assert_snapshot!(wrong(&deep), @"policy/a.rego:103:1: `r100` rests on more than 500 rules, one below the other");
}

#[test]
fn rules_that_rest_on_many_others_are_asked() {
    let mut deep = String::from("//- policy/a.rego\npackage main\ndeny[\"a\"] { r0 }\n");
    for number in 0..480 {
        let _ = writeln!(deep, "r{number} {{ r{} }}", number + 1);
    }
    deep.push_str("r480 { true }\n");
    assert_snapshot!(said(&deep, &json!({})), @r"
    deny policy/a.rego:2 data.main.deny: a
    1 rules, 0 passed
    ");
}

#[test]
fn data_that_cannot_be_used() {
    let policy = "//- policy/a.rego\npackage main\ndeny[\"a\"] { true }\n";
    assert_snapshot!(wrong(&format!("{policy}//- policy/x.json\n{{ \"a\": 1,\n  b }}\n")), @"policy/x.json:2:3: it is not JSON: key must be a string");
    assert_snapshot!(wrong(&format!("{policy}//- policy/x.yaml\na: [1\n")), @"policy/x.yaml: it is not YAML: Failed to parse YAML: did not find expected ',' or ']' at line 2 column 1, while parsing a flow sequence at line 1 column 4");
    assert_snapshot!(wrong(&format!("{policy}//- policy/x.json\n[1]\n")), @"policy/x.json: it must hold an object: its keys become `data.KEY`");
    assert_snapshot!(wrong(&format!("{policy}//- policy/x.json\n{{\"a\": 1}}\n//- policy/y.json\n{{\"a\": 2}}\n")), @r#"policy/y.json: it contradicts another data file: value for key `"a"` generated multiple times: `1` and `2`"#);
    for data in ["{\"main\": {\"deny\": []}}", "{\"main\": 3}"] {
        let expected = "policy/x.json: it has a value where a rule is: `data.main.deny`\n";
        assert_eq!(wrong(&format!("{policy}//- policy/x.json\n{data}\n")), expected);
    }
    assert_snapshot!(wrong(&format!("{policy}//- policy/main/x.json\n{{\"deny\": []}}\n")), @"policy/main/x.json: it has a value where a rule is: `data.main.deny`");
}

#[test]
fn variables_that_never_have_a_value() {
    let fixture = r#"
//- policy/a.rego
package main

import input as tfplan
import data.limits

deny[msg] {
  input.never
  resource := tfplan.resource_changes[index]
  size(resource.change.after, total)
  some kind; known[kind]
  {"a": a, "b": [b, _]} = resource
  walk(resource, [path, value])
  count(rescource.tags) > limits.count
  msg := sprintf("%v %v %v %v %v %v %v %v", [index, total, kind, a, b, path, value, mesage])
}

size(object, total) = x { x := object[total] }

known[kind] { kind := input.kinds[_] }

warn[msg] { msg := sprintf("%v", [[x | x := input.list[_]; not misspelt[x]]]) }
"#;
    assert_snapshot!(wrong(fixture), @r"
    policy/a.rego:13:9: the variable `rescource` never has a value
    policy/a.rego:14:85: the variable `mesage` never has a value
    policy/a.rego:21:64: the variable `misspelt` never has a value
    ");
}

#[test]
fn rules_in_files_of_tests() {
    assert_snapshot!(wrong("//- policy/a_test.rego\npackage main\n\ndeny[\"a\"] { true }\n"), @"policy/a_test.rego:3:1: the rule `deny` is in a file of tests and would not be asked: move it to another");
    assert_snapshot!(wrong("//- policy/a.rego\npackage main\ndeny[\"a\"] { true }\n//- policy/a_test.rego\npackage main\ntest_a {\n"), @"policy/a_test.rego:2:8: expecting }");
}

#[test]
fn folders_without_policies_and_links() {
    let load = |fixture: &str, path: &str| {
        files::load(&MemoryTree::parse(fixture), &RepoPath::new("estate").unwrap(), &[RepoPath::new(path).unwrap()])
            .unwrap_err()
    };
    assert_snapshot!(load("//- estate/terrace.hcl\n", "estate/policy"), @"policy: there is no such folder");
    assert_snapshot!(load("//- estate/policy/README.md\n", "estate/policy"), @"policy: there is no policy: no file ends in `.rego`");
    assert_snapshot!(load("//- estate/policy/a.rego\npackage main\n//- estate/policy/lib -> ../../lib\n", "estate/policy"), @"policy/lib: it is a link or a submodule, and policies are files");
    assert_snapshot!(load("//- policies/a.rego\nnonsense\n", "policies/a.rego"), @"../policies/a.rego:1:1: expecting `package` Missing package declaration.");
}
