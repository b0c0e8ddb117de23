//! The policies of the example estate: their own tests pass, and each would fail without what it tests.

use std::path::Path;

use serde_json::json;
use terrace_policy::{Limits, Namespaces, Policies, PolicyFile, TestOutcome};

use crate::checked::in_words;

fn files() -> Vec<PolicyFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/harbour/policy");
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut files: Vec<PolicyFile> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            PolicyFile { path: format!("policy/{name}"), within: name, bytes: std::fs::read(entry.path()).unwrap() }
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[test]
fn their_tests_pass() {
    let reports = Policies::load_with_tests(files()).unwrap().test(|_| true, &Limits::default()).unwrap();
    assert!(reports.len() >= 9, "{reports:#?}");
    assert!(reports.iter().all(|report| report.outcome == TestOutcome::Passed), "{reports:#?}");
}

#[test]
fn they_say_what_is_wrong_with_a_plan() {
    let database = |actions: &[&str]| {
        json!({ "address": "sandbox_aws_database.shop", "type": "sandbox_aws_database", "change": {
            "actions": actions, "after": { "deletion_protection": false, "tags": { "estate": "harbour" } } } })
    };
    let service = json!({ "address": "sandbox_aws_service.shop", "type": "sandbox_aws_service", "change": {
        "actions": ["update"], "after": { "image": "shop:latest", "replicas": 1, "tags": null } } });
    let plan = |is_protected: bool| {
        json!({
            "format_version": "1.2", "resource_changes": [database(&["delete", "create"]), service],
            "terrace": { "environment": { "name": "e", "protected": is_protected } },
        })
    };
    let policies = Policies::load(files()).unwrap();
    let said =
        |is_protected| in_words(&policies.evaluate(plan(is_protected), &Namespaces::default(), &Limits::default()));
    insta::assert_snapshot!(said(true), @r#"
    deny policy/databases.rego:8 data.main.deny_data_loss: sandbox_aws_database.shop holds data of customers and would be deleted {"address":"sandbox_aws_database.shop"}
    deny policy/databases.rego:16 data.main.deny_deletion_protection: sandbox_aws_database.shop could be deleted: set deletion_protection
    deny policy/labels.rego:6 data.main.deny_labels: sandbox_aws_database.shop has no label component, environment
    deny policy/labels.rego:6 data.main.deny_labels: sandbox_aws_service.shop has no label component, environment, estate
    deny policy/shop.rego:10 data.main.deny_image: sandbox_aws_service.shop runs shop:latest: name a version
    warn policy/shop.rego:16 data.main.warn_replicas: sandbox_aws_service.shop runs once: nobody serves customers while it restarts
    5 rules, 0 passed
    "#);
    insta::assert_snapshot!(said(false), @r"
    deny policy/labels.rego:6 data.main.deny_labels: sandbox_aws_database.shop has no label component, environment
    deny policy/labels.rego:6 data.main.deny_labels: sandbox_aws_service.shop has no label component, environment, estate
    deny policy/shop.rego:10 data.main.deny_image: sandbox_aws_service.shop runs shop:latest: name a version
    5 rules, 3 passed
    ");
}
