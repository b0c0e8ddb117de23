//! Policies as they are written for conftest, in both syntaxes, asked about Terraform's plan JSON.

use insta::assert_snapshot;
use serde_json::{Value as Json, json};
use terrace_policy::{Limits, Namespaces};

use crate::checked::{evaluate, in_words, load, said};

fn plan() -> Json {
    let change = |address: &str, kind: &str, actions: Json, after: Json| {
        json!({
            "address": address, "type": kind, "name": address.split('.').nth(1), "mode": "managed",
            "change": { "actions": actions, "before": null, "after": after, "after_sensitive": {} },
        })
    };
    json!({
        "format_version": "1.2",
        "terraform_version": "1.11.0",
        "resource_changes": [
            change("aws_s3_bucket.logs", "aws_s3_bucket", json!(["create"]), json!({ "acl": "public-read", "tags": null })),
            change("aws_s3_bucket.data", "aws_s3_bucket", json!(["create"]), json!({ "acl": "private", "tags": { "owner": "team-data" } })),
            change("aws_db_instance.main", "aws_db_instance", json!(["delete", "create"]), json!({ "storage_encrypted": false })),
        ],
    })
}

#[test]
fn the_old_syntax() {
    let fixture = r#"
//- policy/base.rego
package main

import input as tfplan

is_created(resource) { resource.change.actions[_] == "create" }

deny[msg] {
  bucket := tfplan.resource_changes[_]
  bucket.type == "aws_s3_bucket"
  is_created(bucket)
  startswith(bucket.change.after.acl, "public")
  msg := sprintf("%s is open to the world (%v)", [bucket.address, bucket.change.after.acl])
}

deny[msg] {
  replaced := [r.address | r := input.resource_changes[_]; r.change.actions == ["delete", "create"]]
  count(replaced) > 0
  msg = sprintf("replaced: %s", [concat(", ", replaced)])
}

violation_encryption[{"msg": msg, "resource": db.address, "level": 3}] {
  db := input.resource_changes[_]
  db.type == "aws_db_instance"
  not db.change.after.storage_encrypted
  msg := "databases are encrypted"
}

warn[msg] {
  r := input.resource_changes[_]
  r.type == "aws_s3_bucket"
  not r.change.after.tags.owner
  msg := sprintf("%d resources, and %s has no owner", [count(input.resource_changes), r.address])
}

deny_never["never"] { input.format_version == "0.1" }
"#;
    assert_snapshot!(said(fixture, &plan()), @r#"
    deny policy/base.rego:7 data.main.deny: aws_s3_bucket.logs is open to the world (public-read)
    deny policy/base.rego:15 data.main.deny: replaced: aws_db_instance.main
    deny policy/base.rego:21 data.main.violation_encryption: databases are encrypted {"level":3,"resource":"aws_db_instance.main"}
    warn policy/base.rego:28 data.main.warn: 3 resources, and aws_s3_bucket.logs has no owner
    4 rules, 1 passed
    "#);
}

#[test]
fn the_syntax_since_opa_1() {
    let fixture = r#"
//- policy/tags.rego
package main

import rego.v1

required := {"owner"}

deny contains msg if {
	some resource in input.resource_changes
	resource.type == "aws_s3_bucket"
	missing := required - object.keys(object.get(resource.change.after, "tags", {}))
	count(missing) > 0
	msg := sprintf("%s has no tag %s", [resource.address, concat(", ", missing)])
}
//- policy/without_import.rego
package main

deny_replacement contains {"msg": msg, "address": resource.address} if {
	some resource in input.resource_changes
	every action in ["delete", "create"] { action in resource.change.actions }
	msg := "nothing is replaced"
}

warn contains "at least two" if count(input.resource_changes) >= 2
"#;
    let mut input = plan();
    input["resource_changes"][0]["change"]["after"] = json!({});
    assert_snapshot!(said(fixture, &input), @r#"
    deny policy/tags.rego:7 data.main.deny: aws_s3_bucket.logs has no tag owner
    deny policy/without_import.rego:3 data.main.deny_replacement: nothing is replaced {"address":"aws_db_instance.main"}
    warn policy/without_import.rego:9 data.main.warn: at least two
    3 rules, 0 passed
    "#);
}

#[test]
fn values_of_other_forms() {
    let fixture = r#"
//- policy/forms.rego
package main

deny = msg { input.a; msg := "one message" }

deny_boolean { input.a }

deny_array := ["first", {"msg": "second", "id": 2}] { input.a }

deny_else = "a" { not input.a } else = "b" { input.a }

deny_constant["it is said as it is"] { input.a }

default warn = []

default deny_not = false
deny_not { input.b }
"#;
    assert_snapshot!(said(fixture, &json!({ "a": true })), @r#"
    deny policy/forms.rego:3 data.main.deny: one message
    deny policy/forms.rego:5 data.main.deny_boolean: `deny_boolean` holds
    deny policy/forms.rego:7 data.main.deny_array: first
    deny policy/forms.rego:7 data.main.deny_array: second {"id":2}
    deny policy/forms.rego:9 data.main.deny_else: b
    deny policy/forms.rego:11 data.main.deny_constant: it is said as it is
    7 rules, 2 passed
    "#);
    assert_snapshot!(said(fixture, &json!({})), @r"
    deny policy/forms.rego:9 data.main.deny_else: a
    7 rules, 6 passed
    ");
}

#[test]
fn exceptions_name_suffixes() {
    let fixture = r#"
//- policy/main.rego
package main

deny[msg] { msg := "without suffix" }
deny_root[msg] { msg := "runs as root" }
violation_root[msg] { msg := "runs as root, too" }
warn_age[msg] { msg := "old" }

exception[rules] {
  input.name == "trusted"
  rules := ["root", "other"]
}
//- policy/other.rego
package other

deny_root[msg] { msg := "not excepted here" }
"#;
    assert_snapshot!(said(fixture, &json!({ "name": "trusted" })), @r"
    deny policy/main.rego:3 data.main.deny: without suffix
    warn policy/main.rego:6 data.main.warn_age: old
    except policy/main.rego:4 data.main.deny_root
    except policy/main.rego:5 data.main.violation_root
    4 rules, 0 passed
    ");
    assert_snapshot!(said(fixture, &json!({ "name": "foreign" })), @r"
    deny policy/main.rego:3 data.main.deny: without suffix
    deny policy/main.rego:4 data.main.deny_root: runs as root
    deny policy/main.rego:5 data.main.violation_root: runs as root, too
    warn policy/main.rego:6 data.main.warn_age: old
    4 rules, 0 passed
    ");
    let all = load(fixture).unwrap().evaluate(json!({ "name": "trusted" }), &Namespaces::All, &Limits::default());
    assert!(in_words(&all).contains("deny policy/other.rego:3 data.other.deny_root: not excepted here"), "{all:?}");
}

#[test]
fn the_exception_of_a_rule_without_suffix() {
    let fixture = r#"
//- policy/main.rego
package main

import rego.v1

deny contains "no"
warn contains "hm"
exception contains rules if rules := [""]
"#;
    assert_snapshot!(said(fixture, &json!({})), @r"
    except policy/main.rego:5 data.main.deny
    except policy/main.rego:6 data.main.warn
    2 rules, 0 passed
    ");
}

#[test]
fn namespaces_are_packages() {
    let fixture = r#"
//- policy/a.rego
package main
deny[msg] { msg := "main" }
//- policy/aws/b.rego
package terraform.aws
deny[msg] { msg := "aws" }
//- policy/c.rego
package terraform["google-beta"]
deny_it[msg] { msg := "google" }
"#;
    let policies = load(fixture).unwrap();
    assert_eq!(policies.namespaces(), ["main", "terraform.aws", "terraform.google-beta"]);
    let ask = |names: &[&str]| {
        let namespaces = Namespaces::of(names.iter().map(ToString::to_string));
        in_words(&policies.evaluate(json!({}), &namespaces, &Limits::default()))
    };
    assert_snapshot!(ask(&[]), @r"
    deny policy/a.rego:2 data.main.deny: main
    1 rules, 0 passed
    ");
    assert_snapshot!(ask(&["terraform.aws", "terraform.google-beta"]), @r#"
    deny policy/aws/b.rego:2 data.terraform.aws.deny: aws
    deny policy/c.rego:2 data.terraform["google-beta"].deny_it: google
    2 rules, 0 passed
    "#);
    assert_snapshot!(ask(&["*"]), @r#"
    deny policy/a.rego:2 data.main.deny: main
    deny policy/aws/b.rego:2 data.terraform.aws.deny: aws
    deny policy/c.rego:2 data.terraform["google-beta"].deny_it: google
    3 rules, 0 passed
    "#);
    assert_snapshot!(ask(&["terraform"]), @r"
    problem no rule was found in the namespace `terraform`, and what asks nothing must not pass; there are rules in `main`, `terraform.aws`, `terraform.google-beta`
    0 rules, 0 passed
    ");
}

#[test]
fn libraries_imports_and_data() {
    let fixture = r#"
//- policy/main.rego
package main

import data.lib.plans as plans
import data.lib.names.is_short
import data.limits

deny[msg] {
  resource := plans.created[_]
  not is_short(resource.address)
  not allowed(resource)
  msg := sprintf("%s is not among %v; at most %d", [resource.type, data.lists.types, limits.count])
}

allowed(resource) { resource.type == data.lists.types[_] }
//- policy/lib/plans.rego
package lib.plans

created[resource] {
  resource := input.resource_changes[_]
  resource.change.actions[_] == "create"
}
//- policy/lib/names.rego
package lib.names

import rego.v1

is_short(name) if count(name) < 5
//- policy/lists/types.yaml
types:
  - aws_s3_bucket
  - aws_vpc
//- policy/limits.json
{ "limits": { "count": 3 } }
"#;
    assert_snapshot!(said(fixture, &plan()), @r#"
    deny policy/main.rego:7 data.main.deny: aws_db_instance is not among ["aws_s3_bucket", "aws_vpc"]; at most 3
    1 rules, 0 passed
    "#);
}

#[test]
fn each_finding_names_the_definition_that_gave_it() {
    let fixture = r#"
//- policy/a.rego
package main

deny[msg] { input.a; msg := "from a" }

deny[msg] { input.b; msg := "from a, further down" }
//- policy/b.rego
package main

import rego.v1

deny contains msg if { input.a; msg := "from b" }

deny contains "from a" if input.a
"#;
    assert_snapshot!(said(fixture, &json!({ "a": 1, "b": 2 })), @r"
    deny policy/a.rego:3 data.main.deny: from a
    deny policy/a.rego:5 data.main.deny: from a, further down
    deny policy/b.rego:5 data.main.deny: from b
    1 rules, 0 passed
    ");
}

#[test]
fn what_is_printed_is_kept() {
    let fixture = r#"
//- policy/a.rego
package main
deny[msg] {
  print("resources:", count(input.list), input.missing)
  msg := "no"
}
"#;
    let evaluation = evaluate(fixture, &json!({ "list": [1, 2] }));
    assert_eq!(evaluation.prints, ["policy/a.rego:3: resources: 2 <undefined>"]);
}

#[test]
fn a_verdict_is_what_the_domain_records() {
    let fixture = r#"
//- policy/a.rego
package main
warn[msg] { number := input.list[_]; msg := sprintf("w%d", [number]) }
deny[msg] { msg := "no" }
"#;
    let list: Vec<u32> = (0..500).collect();
    let verdict = evaluate(fixture, &json!({ "list": list })).verdict();
    assert_eq!((verdict.rules, verdict.undecidable.as_deref(), verdict.findings.len()), (2, None, 201));
    let first = &verdict.findings[0];
    assert_eq!(
        (first.is_warning, first.file.as_str(), first.rule.as_str(), first.message.as_str()),
        (false, "policy/a.rego", "data.main.deny", "no")
    );
    assert_eq!(verdict.findings[200].message, "and 301 findings more");
    assert_eq!(verdict.denials().count(), 1);
}
