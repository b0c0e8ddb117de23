//! The policies of a gate, as an estate names them.

use serde_json::json;
use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_domain::path::RepoPath;
use terrace_domain::policy::PolicyVerdict;
use terrace_policy::GatePolicies;
use terrace_policy::input::Own;

/// What the only gate of an estate in the folder `estate` says of a plan.
fn asked(gate: &str, files: &str, plan: &[u8]) -> PolicyVerdict {
    let estate = format!(
        "//- estate/terrace.hcl\nestate \"e\" {{}}\nenvironment \"prod\" {{ protected = true }}\npipeline {{\n  stage \"prod\" {{\n    \
         environment = \"prod\"\n    gate \"policy\" {{\n{gate}\n}}\n  }}\n}}\n{files}"
    );
    let tree = MemoryTree::parse(&estate);
    let estate = load_estate(&tree, &RepoPath::new("estate").unwrap()).estate.unwrap();
    let policies = GatePolicies::load(&tree, &estate, &estate.stages[0].gates[0]);
    policies.ask(plan, &Own { environment: estate.environments.get("prod"), ..Own::default() })
}

const PLAN: &[u8] = br#"{"format_version":"1.2","resource_changes":[
    {"change":{"after":{"password":"hunter2"},"after_sensitive":{"password":true}}}]}"#;

const POLICY: &str = r#"
//- estate/policy/main.rego
package main

import rego.v1

deny contains msg if {
	input.terrace.environment.protected
	msg := sprintf("%s in %s", [input.resource_changes[0].change.after.password, input.terrace.environment.name])
}
//- estate/policy/other.rego
package other

import rego.v1

warn contains "other"
"#;

#[test]
fn it_asks_what_it_names() {
    let verdict = asked("", POLICY, PLAN);
    let messages: Vec<_> = verdict.denials().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages, ["(sensitive value) in prod"]);
    assert_eq!((verdict.rules, verdict.undecidable), (1, None));
    let all = asked(r#"namespaces = ["*"]"#, POLICY, PLAN);
    assert_eq!((all.rules, all.findings.len()), (2, 2));
    let one = asked("path = \"policy/other.rego\"\nnamespaces = [\"other\"]", POLICY, PLAN);
    assert_eq!((one.rules, one.denials().count(), one.findings[0].file.as_str()), (1, 0, "policy/other.rego"));
}

#[test]
fn whatever_goes_wrong_is_undecidable() {
    let why = |gate: &str, files: &str, plan: &[u8]| {
        let verdict = asked(gate, files, plan);
        assert!(verdict.findings.is_empty(), "{verdict:?}");
        verdict.undecidable.unwrap()
    };
    assert_eq!(why("", "", PLAN), "policy: there is no such folder");
    assert_eq!(
        why(r#"path = "../../elsewhere""#, POLICY, PLAN),
        "the path `../../elsewhere` leads out of the repository"
    );
    assert_eq!(why("", "//- estate/policy/a.rego\npackage\n", PLAN).split(": ").next(), Some("policy/a.rego:2:1"));
    assert!(why(r#"namespaces = ["none"]"#, POLICY, PLAN).contains("no rule was found in the namespace `none`"));
    assert!(why("", POLICY, b"{").starts_with("the plan is not JSON"));
    let state = json!({ "version": 4, "lineage": "l", "resources": [] }).to_string();
    assert!(why("", POLICY, state.as_bytes()).ends_with("it is a state"));
    let broken = POLICY.replace("input.terrace.environment.protected", "1 / 0 == 1");
    assert_eq!(why("", &broken, PLAN), "policy/main.rego:6:7: divide by zero");
}

#[test]
fn what_is_wrong_is_known_before() {
    let tree = MemoryTree::parse(
        r#"
//- terrace.hcl
estate "e" {}
environment "prod" {}
pipeline {
  stage "prod" {
    environment = "prod"
    gate "policy" { path = "broken" }
    gate "policy" { paths = ["broken", "broken/b.rego"] }
    gate "policy" { path = "library" }
    gate "policy" { path = "library/other.rego" }
    gate "policy" { path = "nowhere" }
  }
}
//- broken/a.rego
package main

deny["ä"] { mesage }
//- broken/b.rego
package main
warn["w"] { true
//- library/lib.rego
package lib
allow { true }
//- library/other.rego
package other
warn["w"] { true }
"#,
    );
    let estate = load_estate(&tree, &RepoPath::root()).estate.unwrap();
    let found = terrace_policy::diagnose(&tree, &estate);
    let rendered = terrace_config::render(&found, &terrace_config::sources(&tree, &found), false);
    insta::assert_snapshot!(rendered, @r#"
    error[bad-policy]: expecting `}` while parsing query
     --> broken/b.rego:3:1
      |
    3 |
      | ^

    error[idle-gate]: the gate asks nothing: no rule was found in the namespace `main`
     --> terrace.hcl:8:10
      |
    8 |     gate "policy" { path = "library" }
      |          ^^^^^^^^
      |
      = help: There are rules in `other`: name these packages with `namespaces`.

    error[idle-gate]: the gate asks nothing: no rule was found in the namespace `main`
     --> terrace.hcl:9:10
      |
    9 |     gate "policy" { path = "library/other.rego" }
      |          ^^^^^^^^
      |
      = help: There are rules in `other`: name these packages with `namespaces`.
    "#);
}
