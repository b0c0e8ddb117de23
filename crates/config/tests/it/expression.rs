//! Expressions as they are written, and their values.

use std::collections::BTreeMap;

use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_domain::expression::{InstanceScope, evaluate};
use terrace_domain::name::StackName;
use terrace_domain::path::RepoPath;
use terrace_domain::value::Value;

/// The value of an expression in an estate with an environment and an upstream stack; an error's text after `!`.
fn value_of(written: &str) -> String {
    let tree = MemoryTree::parse(&format!(
        r#"
//- terrace.hcl
estate "harbour" {{}}
environment "dev" {{
  vars = {{ n = 3, list = ["a", "b"], map = {{ k = 1, l = 2 }}, nothing = null }}
}}
pipeline {{
  stage "dev" {{ environment = "dev" }}
}}
//- up/stack.hcl
stack "up" {{}}
//- stacks/s/stack.hcl
stack "s" {{
  inputs = {{
    x = {written}
  }}
}}
"#
    ));
    let loaded = load_estate(&tree, &RepoPath::root());
    assert_eq!(loaded.diagnostics, [], "{written}");
    let estate = loaded.estate.unwrap();
    let outputs = |_: &StackName, output: &str| {
        Ok(match output {
            "partly" => {
                Value::Object(BTreeMap::from([("known".to_owned(), "v".into()), ("later".to_owned(), Value::Unknown)]))
            }
            "known" => "net-1".into(),
            "secret" => "hunter2".into(),
            "secrets" => Value::Object(BTreeMap::from([("hunter2".to_owned(), Value::List(vec!["hunter2".into()]))])),
            _ => Value::Unknown,
        })
    };
    let (environment, stack) = (&estate.environments["dev"], &estate.stacks["s"]);
    let scope = InstanceScope { estate: &estate, environment, stack: Some(stack), outputs: &outputs };
    match evaluate(&stack.inputs["x"].expression, &scope) {
        Ok(value) => shown(&value),
        Err(error) => format!("! {error}"),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Unknown => "?".to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Object(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        known => known.to_json().unwrap().to_string(),
    }
}

fn all(table: &[(&str, &str)]) {
    for (written, expected) in table {
        assert_eq!(value_of(written), *expected, "{written}");
    }
}

#[test]
fn references() {
    all(&[
        ("env.n", "3"),
        ("env.name", "\"dev\""),
        ("env", "{list:[\"a\",\"b\"],map:{k:1,l:2},n:3,name:\"dev\",nothing:null}"),
        ("env[\"n\"]", "3"),
        ("stack.name", "\"s\""),
        ("stack.path", "\"stacks/s\""),
        ("estate.name", "\"harbour\""),
        ("stack.up.known", "\"net-1\""),
        ("stack.up.later", "?"),
        ("stack[\"up\"].partly.known", "\"v\""),
        ("stack.up.partly", "{known:\"v\",later:?}"),
        ("[for env in env.list : env]", "[\"a\",\"b\"]"),
        ("env.map.q", "! the object has no attribute `q`"),
    ]);
}

#[test]
fn operators() {
    all(&[
        ("6 / 4", "1.5"),
        ("6 / 3", "2"),
        ("0.5 * 4", "2"),
        ("[0.1 + 0.2, 1.1 * 3, 1 - 0.9, 1 / 3]", "[0.3,3.3,0.1,0.3333333333333333]"),
        ("-7 % 3", "-1"),
        ("1 + 2 * 3 - 1", "6"),
        ("9223372036854775807 + 1", "9223372036854775808"),
        ("\"2\" + 1", "3"),
        ("1 / 0", "! division by zero"),
        ("\"a\" + 1", "! the string is not a number"),
        ("[1] + 1", "! `+` needs a number, found list"),
        ("env.nothing + 1", "! `+` met null"),
        ("1 == 1.0", "true"),
        ("\"1\" == 1", "false"),
        ("[1, {a = 2}] == [1, {a = 2}]", "true"),
        ("env.n > 2 && !false", "true"),
        ("\"true\" || false", "true"),
        ("1 && true", "! `&&` needs a bool, found number"),
        ("env.n > 2 ? \"many\" : \"few\"", "\"many\""),
        ("false ? 1 / 0 : 2", "2"),
    ]);
}

#[test]
fn what_is_unknown_stays_unknown_and_nothing_else() {
    all(&[
        ("stack.up.later + 1", "?"),
        ("\"id-${stack.up.later}\"", "?"),
        ("[1, stack.up.later]", "[1,?]"),
        ("{a = stack.up.later, b = 2}", "{a:?,b:2}"),
        ("{(stack.up.later) = 1}", "?"),
        ("stack.up.later == 1", "?"),
        ("stack.up.later && false", "false"),
        ("false && stack.up.later", "false"),
        ("stack.up.later || true", "true"),
        ("stack.up.later && true", "?"),
        ("stack.up.later ? 1 : 1", "?"),
        ("stack.up.later.deep[0].attribute", "?"),
        ("stack.up.later[*].x", "?"),
        ("[stack.up.later][*].x", "[?]"),
        ("[for x in stack.up.later : x]", "?"),
        ("[for x in [1, stack.up.later] : x if x == 1]", "?"),
        ("length([1, stack.up.later])", "2"),
        ("keys(stack.up.partly)", "[\"known\",\"later\"]"),
        ("merge(stack.up.partly, {z = 1})", "{known:\"v\",later:?,z:1}"),
        ("jsonencode(stack.up.partly)", "?"),
        ("contains([\"a\", stack.up.later], \"a\")", "true"),
        ("contains([\"a\", stack.up.later], \"b\")", "?"),
        ("flatten([[1], stack.up.later])", "?"),
        ("coalesce(null, stack.up.later, 1)", "?"),
        ("try(stack.up.later.x, 1)", "?"),
        ("try(env.map.q, 1)", "1"),
        ("try(length([stack.up.later.x]), 5)", "?"),
    ]);
}

#[test]
fn templates() {
    all(&[
        ("\"a-${env.n}-${true}-${1.50}\"", "\"a-3-true-1.5\""),
        ("\"${env.list}\"", "[\"a\",\"b\"]"),
        ("\"x${env.list}\"", "! expected a string, found list"),
        ("\"$${x} \\\"q\\\"\"", "\"${x} \\\"q\\\"\""),
        ("\"%{ if env.n > 2 }many%{ else }few%{ endif }!\"", "\"many!\""),
        ("\"%{ for k, v in env.map }${k}=${v};%{ endfor }\"", "\"k=1;l=2;\""),
        ("\"a  ${~ env.n ~}  b\"", "\"a3b\""),
        ("<<-EOT\n      one\n        two ${env.n}\n    EOT\n", "\"one\\n  two 3\\n\""),
        ("1e21", "1e+21"),
        ("\"${1000000000000000000000}\"", "1e+21"),
        ("\"n${0.1}\"", "\"n0.1\""),
    ]);
}

#[test]
fn collections() {
    all(&[
        ("[for i, x in env.list : \"${i}${x}\"]", "[\"0a\",\"1b\"]"),
        ("{for k, v in env.map : upper(k) => v * 2 if v > 1}", "{L:4}"),
        ("{for x in [\"a\", \"b\", \"a\"] : x => 1...}", "{a:[1,1],b:[1]}"),
        (
            "{for x in [\"a\", \"a\"] : x => 1}",
            "! two entries have the same key; add `...` after the value to gather them in a list",
        ),
        ("[{a = [1]}, {a = [2]}][*].a[0]", "[1,2]"),
        ("[{a = [1]}, {a = [2]}].*.a[0]", "[1]"),
        ("env.nothing[*].x", "[]"),
        ("env.map[*].k", "[1]"),
        ("env.list[1]", "\"b\""),
        ("env.list[2]", "! the list has 2 items, and none at this position"),
        ("env.list[-1]", "! the list has 2 items, and none at this position"),
        ("[for x in 3 : x]", "! `for` needs a list or an object, found number"),
    ]);
}

#[test]
fn functions() {
    all(&[
        ("length(\"größe\")", "5"),
        ("concat([1], [], [2])", "[1,2]"),
        ("merge({a = 1}, null, {a = 2})", "{a:2}"),
        ("join(\"-\", [\"a\", 1], [true])", "\"a-1-true\""),
        ("split(\",\", \"a,b,\")", "[\"a\",\"b\",\"\"]"),
        ("\"${lower(\"ÄB\")}${upper(\"ö\")}${trimspace(\" x\\n\")}\"", "\"äbÖx\""),
        ("replace(\"a.b.c\", \".\", \"--\")", "\"a--b--c\""),
        ("replace(\"abc\", \"/b/\", \"\")", "! `replace`: regular expressions (`/.../`) are not supported here"),
        (
            "format(\"%s=%03d %q %v%% %5.2f|%-4s|%+d\", \"n\", 7, \"q\", [1], 1.5, \"x\", 2)",
            "\"n=007 \\\"q\\\" [1]%  1.50|x   |+2\"",
        ),
        ("format(\"%s\")", "! `format`: there are more verbs than values"),
        ("lookup(env.map, \"z\", \"d\")", "\"d\""),
        ("lookup(env.map, \"z\")", "! `lookup`: the object has no such key, and there is no default"),
        ("values(env.map)", "[1,2]"),
        ("element([\"a\", \"b\"], 3)", "\"b\""),
        ("flatten([1, [2, [3, []]]])", "[1,2,3]"),
        ("distinct([1, 1.0, \"1\", 1])", "[\"1\"]"),
        ("sort([\"b\", \"B\", \"a\"])", "[\"B\",\"a\",\"b\"]"),
        ("coalesce(\"\", null, \"x\")", "\"x\""),
        ("[tostring(1.0), tonumber(\"1e3\"), tobool(\"true\"), tostring(null)]", "[\"1\",1000,true,null]"),
        ("toset([\"b\", \"a\", \"b\"])", "[\"a\",\"b\"]"),
        ("toset([10, 9, 10])", "[9,10]"),
        ("tolist([1, \"a\", true])", "[\"1\",\"a\",\"true\"]"),
        ("jsonencode({b = [1, null, \"<\"], a = 2.0})", r#""{\"a\":2,\"b\":[1,null,\"\\u003c\"]}""#),
        ("jsonencode([1e21, 0.000001])", "\"[1000000000000000000000,0.000001]\""),
        ("upper(\"straße\")", "\"STRAßE\""),
        ("[min(3, 1.5, 2), max(1, 2), abs(-3), ceil(1.2), floor(-1.2)]", "[1.5,2,3,2,-2]"),
        ("substr(\"hello\", -3, 2)", "\"ll\""),
        ("substr(\"hello\", 1, -1)", "\"ello\""),
        ("startswith(\"abc\", \"ab\") && endswith(\"abc\", \"bc\")", "true"),
        ("cidrsubnet(\"10.1.0.0/16\", 8, 2)", "\"10.1.2.0/24\""),
        ("cidrsubnet(\"fd00::/48\", 16, 162)", "\"fd00:0:0:a2::/64\""),
        ("cidrsubnet(\"10.0.0.0/30\", 3, 0)", "! `cidrsubnet`: the range has fewer free bits"),
        ("cidrhost(\"10.1.2.240/28\", 5)", "\"10.1.2.245\""),
        ("cidrhost(\"10.1.2.0/24\", -2)", "\"10.1.2.254\""),
        ("[range(3), range(1, 3), range(3, 0), range(0, 1, 0.5)]", "[[0,1,2],[1,2],[3,2,1],[0,0.5]]"),
        ("range(2000)", "! `range`: more than 1024 numbers"),
        ("zipmap([\"a\", \"b\"], [1, 2])", "{a:1,b:2}"),
        ("[one([]), one([1])]", "[null,1]"),
        ("max([1, 5, 2]...)", "5"),
        ("lenght([])", "! there is no function `lenght`"),
        ("length()", "! `length` takes one argument, found 0"),
        ("provider::aws::x(1)", "! there is no function `provider::aws::x`"),
    ]);
}

#[test]
fn nothing_grows_without_a_limit() {
    let nested = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]";
    assert!(value_of(nested).contains("more than"), "{nested}");
    let doubling =
        "replace(replace(join(\"\", range(1000)), \"1\", join(\"\", range(1000))), \"2\", join(\"\", range(1000)))";
    assert!(value_of(doubling).contains("longer than"), "{doubling}");
    assert!(value_of("format(\"%09999999999d\", 1)").contains("too large"));
}

#[test]
fn errors_do_not_tell_outputs() {
    for written in [
        "tonumber(stack.up.secret)",
        "tobool(stack.up.secret)",
        "stack.up.secret + 1",
        "stack.up.secret ? 1 : 2",
        "{ x = 1 }[stack.up.secret]",
        "[1][stack.up.secret]",
        "stack.up.secret.hunter",
        "stack.up.secrets.hunter",
        "stack.up.secrets[\"hunter\"]",
        "stack.up.secrets.hunter2[7]",
        "cidrhost(stack.up.secret, 1)",
        "lookup({}, stack.up.secret)",
        "format(\"%d\", stack.up.secret)",
        "format(\"%${stack.up.secret}\")",
        "{ for i in [1, 2] : stack.up.secret => i }",
        "\"x${stack.up.secrets}\"",
    ] {
        let value = value_of(written);
        assert!(value.starts_with('!'), "{written} should fail: {value}");
        assert!(!value.contains("hunter2"), "{written}: {value}");
    }
}
