//! `terrace policy`: a plan of the real Terraform, the policies of the example, and what cannot be decided.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use terrace_testkit::repository::Repository;

use crate::desk::{Desk, Done};

const PLAN: &str = r#"{
  "format_version": "1.2", "terraform_version": "1.11.0", "errored": false, "complete": true,
  "resource_changes": [{
    "address": "sandbox_aws_service.shop", "mode": "managed", "type": "sandbox_aws_service", "name": "shop",
    "provider_name": "terrace/sandbox",
    "change": {
      "actions": ["create"], "before": null, "after_unknown": {}, "before_sensitive": false,
      "after": { "image": "shop:latest", "replicas": 1, "tags": { "estate": "harbour", "environment": "prod", "component": "shop" } },
      "after_sensitive": { "tags": {} }
    }
  }]
}"#;

fn desk(files: &str) -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(files);
    desk
}

fn harbour() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.ok(&["init", "--example", "harbour"]);
    desk.write("plan.json", PLAN);
    desk
}

#[test]
fn the_policies_of_the_example_are_tested_and_asked() {
    let desk = harbour();
    let tested = desk.ok(&["policy", "test"]);
    assert!(
        tested.stdout.contains("PASS - policy/labels_test.rego:13 - main_test.test_labels_are_there\n"),
        "{tested}"
    );
    assert!(tested.stdout.ends_with("\n9 tests, 9 passed, 0 failures\n"), "{tested}");

    let asked = desk.run(&["policy", "check", "--plan", "plan.json", "--stack", "shop", "--env", "prod"]).expect(4);
    assert_eq!(
        asked.stdout,
        "FAIL - policy/shop.rego:10 - main.deny_image - sandbox_aws_service.shop runs shop:latest: name a version\n\
         WARN - policy/shop.rego:16 - main.warn_replicas - sandbox_aws_service.shop runs once: nobody serves customers while it restarts\n\
         \n5 rules, 3 passed, 1 warning, 1 failure, 0 exceptions\n"
    );
    // Elsewhere in the estate, where nothing is protected, and as JSON.
    let folder = desk.in_folder("stacks/shop");
    let json = folder.run(&["policy", "check", "--plan", "../../plan.json", "--env", "dev", "--json"]).expect(4);
    let json = json.json();
    assert_eq!((&json["schema"], &json["verdict"]), (&"terrace.policy-check/1".into(), &"deny".into()));
    assert_eq!(json["findings"].as_array().unwrap().len(), 1, "{json:#}");
    assert_eq!(json["findings"][0]["rule"], "data.main.deny_image");
    folder
        .run(&["policy", "check", "--plan", "../../plan.json", "--env", "prd"])
        .expect(2)
        .says(&["Did you mean `prod`?"]);
    folder
        .run(&["policy", "check", "--plan", "../../plan.json", "--stack", "sop"])
        .expect(2)
        .says(&["Did you mean `shop`?"]);
}

fn terraform(program: &Path, folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let done =
        Command::new(program).current_dir(folder).env_remove("TF_CLI_CONFIG_FILE").args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// `terrace policy check` with the plan on standard input.
fn piped(desk: &Desk, arguments: &[&str], plan: &[u8]) -> Done {
    let mut child = desk
        .command(&[&["policy", "check", "--plan", "-"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(plan).unwrap();
    Done::of(child.wait_with_output().unwrap())
}

#[test]
fn a_plan_of_terraform_with_its_secrets_masked() {
    for program in terrace_testkit::tools::terraforms() {
        let desk = desk(
            r#"
//- code/main.tf
variable "token" {
  type      = string
  sensitive = true
  default   = "hunter2"
}
variable "open" {
  default = "seen"
}
resource "terraform_data" "secret" {
  input = { token = var.token, open = var.open }
}
output "token" {
  value     = var.token
  sensitive = true
}
//- policy/all.rego
package main

deny[msg] { walk(input, [path, value]); contains(value_of(value), "hunter2"); msg := sprintf("%v", [path]) }

value_of(value) = value { is_string(value) }

warn[msg] {
  resource := input.resource_changes[_]
  resource.change.actions[_] == "create"
  msg := sprintf("%s: %s %s", [resource.address, resource.change.after.input.token, resource.change.after.input.open])
}

warn_facts[msg] { fact := input.terrace.facts.resources[_]; msg := sprintf("%s %s", [fact.address, fact.action]) }
"#,
        );
        let code = desk.folder().join("code");
        terraform(&program, &code, &["init", "-input=false", "-no-color"]);
        terraform(&program, &code, &["plan", "-input=false", "-no-color", "-out=plan.tfplan"]);
        let plan = terraform(&program, &code, &["show", "-json", "plan.tfplan"]);
        assert!(String::from_utf8_lossy(&plan).contains("hunter2"), "Terraform shows it");
        let asked = piped(&desk, &[], &plan);
        assert_eq!(
            asked.stdout,
            "WARN - policy/all.rego:7 - main.warn - terraform_data.secret: (sensitive value) seen\n\
             WARN - policy/all.rego:13 - main.warn_facts - terraform_data.secret create\n\
             \n3 rules, 1 passed, 2 warnings, 0 failures, 0 exceptions\n",
            "{asked}"
        );
        assert_eq!(asked.code, Some(0));
    }
}

#[test]
fn what_cannot_be_decided() {
    let desk = desk(
        "//- policy/a.rego\npackage main\n\ndeny[\"a\"] { true\n//- policy/b.rego\npackage main\n\nwarn[x] { x := y }\n",
    );
    desk.write("plan.json", PLAN);
    let asked = desk.run(&["policy", "check", "--plan", "plan.json"]).expect(2);
    assert!(asked.stdout.starts_with("ERROR - policy/a.rego:4:1: expecting `}` while parsing query\n"), "{asked}");
    asked.says(&["a gate refuses it"]);
    desk.run(&["policy", "test"]).expect(2).says(&["policy/a.rego:4:1: expecting `}`"]);

    desk.write("policy/a.rego", "package main\n\ndeny[msg] { 1 / 0 == 1; msg := \"never\" }\n");
    desk.write("policy/b.rego", "package other\n\nwarn[\"w\"] { true }\n");
    let asked = desk.run(&["policy", "check", "--plan", "plan.json", "--json"]).expect(2);
    let json = asked.json();
    assert_eq!(json["verdict"], "undecidable");
    assert_eq!(
        json["errors"],
        serde_json::json!([{ "file": "policy/a.rego", "line": 3, "column": 15, "message": "divide by zero" }])
    );
    let other = desk.ok(&["policy", "check", "--plan", "plan.json", "--namespace", "other"]);
    assert!(other.stdout.starts_with("WARN - policy/b.rego:3 - other.warn - w\n"), "{other}");
    let none = desk.run(&["policy", "check", "--plan", "plan.json", "--namespace", "none"]).expect(2);
    assert!(none.stdout.contains("no rule was found in the namespace `none`"), "{none}");
    desk.run(&["policy", "test"]).expect(2).says(&["there is no test", "_test.rego"]);
}

#[test]
fn what_is_no_plan_or_no_policy() {
    let desk =
        desk("//- policy/a.rego\npackage main\n\ndeny[\"a\"] { true }\n//- notes.txt\nnone\n//- empty/README.md\n");
    let check = |plan: &str| {
        desk.write("plan.json", plan);
        desk.run(&["policy", "check", "--plan", "plan.json"]).expect(2)
    };
    check("{").says(&["plan.json", "cut off"]);
    check(r#"{"version":4,"lineage":"l","serial":1,"resources":[],"outputs":{}}"#)
        .says(&["state", "terraform show -json"]);
    check(r#"{"format_version":"2.0","resource_changes":[]}"#).says(&["format version 2.0"]);
    desk.write("plan.json", PLAN);
    let path = |path: &str| desk.run(&["policy", "check", "--plan", "plan.json", path]).expect(2);
    path("nowhere").says(&["there is no `", "nowhere`", "end in .rego"]);
    assert!(path("notes.txt").stdout.contains("notes.txt: it is no policy"));
    assert!(path("empty").stdout.contains("empty: there is no policy: no file ends in `.rego`"));
    desk.run(&["policy", "check", "--plan", "gone.json"]).expect(2).says(&["cannot read the plan `gone.json`"]);
    desk.run(&["policy", "check", "--plan", "plan.json", "--stack", "x"]).expect(2).says(&["there is no terrace.hcl"]);
    fs::create_dir(desk.folder().join("elsewhere")).unwrap();
    desk.in_folder("elsewhere").run(&["policy", "check", "--plan", "../plan.json"]).expect(2).says(&["there is no `"]);
}

#[test]
fn tests_that_fail_and_those_that_are_chosen() {
    let desk = desk(
        "//- rules/a_test.rego\npackage a_test\n\ntest_one { true }\n\ntest_two { print(\"why\\u001b[2J\"); false }\n\ntodo_test_three { true }\n",
    );
    let all = desk.run(&["policy", "test", "rules/"]).expect(1);
    assert_eq!(
        all.stdout,
        "PASS - rules/a_test.rego:3 - a_test.test_one\n\
         FAIL - rules/a_test.rego:5 - a_test.test_two - it does not hold\n\
         SKIP - rules/a_test.rego:7 - a_test.todo_test_three - its name begins with `todo_`\n\
         \n3 tests, 1 passed, 1 failure, 1 skipped\n"
    );
    all.says(&["rules/a_test.rego:5: why\\u{1b}[2J"]);
    let one = desk.ok(&["policy", "test", "rules/a_test.rego", "--run", "test_(one|three)$", "--json"]);
    let one = one.json();
    assert_eq!(
        (&one["schema"], &one["passed"], &one["skipped"]),
        (&"terrace.policy-test/1".into(), &1.into(), &1.into())
    );
    desk.run(&["policy", "test", "rules", "--run", "nothing"])
        .expect(2)
        .says(&["no test matches `nothing`", "3 tests"]);
    desk.run(&["policy", "test", "rules", "--run", "("]).expect(2);
}
