//! Planning: what it says, and that it leaves nothing behind.

use terrace_testkit::tools;

use crate::{harbour, small};

#[test]
fn plans_from_nothing_are_provisional_or_blocked_and_say_so() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let done = desk.ok(&["plan", "-j", "1"]).says(&[
        "Planning 4 stacks of commit",
        "~ base    planned: 1 to add, 0 to change, 0 to destroy",
        "~ middle  planned: 1 to add, 0 to change, 0 to destroy (provisional: rests on outputs that are planned, not applied)",
        "? top     blocked: inputs are known only after middle is applied",
        "~ side    planned: 1 to add",
        "Plan in dev succeeded: 3 with changes, 1 blocked; resources: 3 to add, 0 to change, 0 to destroy",
    ]);
    insta::assert_snapshot!(done.stdout, @r"
    base  1 to add, 0 to change, 0 to destroy
        + module.store.sandbox_aws_bucket.this
          output.label
          output.url
    side  1 to add, 0 to change, 0 to destroy
        + sandbox_aws_bucket.this
    middle  1 to add, 0 to change, 0 to destroy
        + sandbox_aws_bucket.this
          output.url
    ");
    assert_eq!(desk.calls().len(), 0, "a plan from nothing asks the cloud nothing and does nothing");
    assert!(!desk.home("terrace.db").exists(), "a plan is no run");
    assert_eq!(desk.json(&["run", "list", "--json"])["runs"], serde_json::json!([]));

    let plan = desk.json(&["plan", "--json"]);
    assert_eq!(
        (&plan["schema"], &plan["stages"]),
        (&"terrace.plan/2".into(), &serde_json::json!([{ "stage": "dev", "environment": "dev" }]))
    );
    let one = |stack: &str| {
        let instances = plan["instances"].as_array().unwrap();
        instances.iter().find(|one| one["stack"] == stack).unwrap().clone()
    };
    assert_eq!((&one("middle")["provisional"], &one("middle")["changes"]["add"]), (&true.into(), &1.into()));
    assert_eq!(one("top")["state"], "blocked");
}

#[test]
fn a_plan_over_what_is_delivered_shows_only_what_changes() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("stacks/base/main.tf", "\"one\"", "\"two\"");
    desk.commit("Change an output");
    let before = desk.changes();
    desk.ok(&["plan"]).says(&[
        "~ base    planned: 1 output changes",
        "~ middle  planned: 0 to add, 1 to change, 0 to destroy (provisional",
        "= side    unchanged",
    ]);
    desk.ok(&["plan", "--affected", "HEAD~1"])
        .says(&["Planning 1 stack (and 2 downstream, if what they read changes)"]);
    assert_eq!(desk.changes(), before);
    desk.ok(&["deliver", "--to", "dev"]).says(&["2 applied, 2 current"]);
}

#[test]
fn the_work_tree_is_planned_only_on_request() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("terrace.hcl", "blue", "green");
    desk.ok(&["plan", "side"]).says(&["warning: not committed", "terrace.hcl", "= side  unchanged"]);
    desk.ok(&["plan", "--work-tree", "side"])
        .says(&["Planning 1 stack of the work tree in dev", "~ side  planned: 0 to add, 1 to change, 0 to destroy"])
        .without(&["not committed"]);
    assert_eq!(desk.changes().len(), 4, "nothing was applied");
    desk.run(&["plan", "--work-tree", "--affected", "HEAD"]).expect(2);
}

#[test]
fn harbour_is_planned_for_prod_without_confirmation() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    desk.ok(&["plan", "--env", "prod"]).says(&[
        "~ aws-network",
        "~ backups",
        "? aws-cluster",
        "blocked: inputs are known only after aws-network is applied",
        "? shop",
    ]);
    assert_eq!(desk.changes(), [""; 0]);
}

#[test]
fn a_plan_that_fails_ends_with_1() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.edit("stacks/side/main.tf", "name = var.name", "name = var.nome");
    desk.commit("Break");
    desk.run(&["plan"]).expect(1).says(&["✗ side", "at stacks/side/main.tf:", "3 unchanged"]);
}
