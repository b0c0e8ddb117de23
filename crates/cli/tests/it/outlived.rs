//! Terraforms that live on when their Terrace has died, and what is left of an approved plan whose apply was cut off.

use terrace_testkit::tools;

use crate::blocked::{self, kill_in_mid_apply, kill_terraforms, let_go, terraforms, times_made};
use crate::desk::{Desk, Signal, wait_until};

const STILL_AT_WORK: &str =
    "a Terraform is still at work on dev/slow, which an earlier Terrace started: waiting for it";

#[test]
fn a_terraform_that_outlived_terrace_is_waited_for() {
    let Some(desk) = blocked::estate() else { return };
    kill_in_mid_apply(&desk, &["deliver"]);
    assert_eq!(terraforms(&desk).len(), 1);
    let resumed = desk.start(&["resume"]);
    wait_until("it is being settled", || blocked::state(&desk) == "settling");
    let_go(&desk);
    resumed.wait().expect(0).says(&[STILL_AT_WORK, "slow  applied"]);
    assert_eq!(times_made(&desk), 1);
    desk.ok(&["deliver", "--again"]).says(&["1 unchanged"]);
}

#[test]
fn a_delivery_waits_for_what_an_earlier_one_left_at_work() {
    let Some(desk) = blocked::estate() else { return };
    kill_in_mid_apply(&desk, &["deliver"]);
    let next = desk.start(&["deliver"]);
    wait_until("it prepares", || blocked::state(&desk) == "preparing");
    let_go(&desk);
    next.wait().expect(0).says(&["run 1 ended without a word", "slow in apply"]);
    assert_eq!(times_made(&desk), 1);
}

#[test]
fn an_interrupt_is_passed_on_to_a_terraform_that_outlived_terrace() {
    let Some(desk) = blocked::estate() else { return };
    kill_in_mid_apply(&desk, &["deliver"]);
    let resumed = desk.start(&["resume"]);
    wait_until("it is being settled", || blocked::state(&desk) == "settling");
    resumed.signal(Signal::INT);
    resumed.wait().expect(1).says(&[STILL_AT_WORK, "stopping: Terraform has been asked to stop", "interrupted"]);
    assert_eq!(terraforms(&desk), [0_u32; 0], "it was waited for");
    assert_eq!(desk.json(&["run", "show", "--json"])["outcome"], "interrupted");
    let_go(&desk);
    desk.ok(&["deliver"]).without(&[STILL_AT_WORK]);
    desk.ok(&["deliver", "--again"]).says(&["1 unchanged"]);
}

#[test]
fn a_run_that_is_called_off_takes_its_orphaned_terraform_with_it() {
    let Some(desk) = blocked::estate() else { return };
    kill_in_mid_apply(&desk, &["deliver"]);
    assert_eq!(terraforms(&desk).len(), 1);
    desk.ok(&["run", "cancel"]).says(&[
        "Run 1 is called off",
        "A Terraform is still at work on dev/slow: it has been asked to stop, and is waited for",
        "It has come to its end",
    ]);
    assert_eq!(terraforms(&desk), [0_u32; 0], "it was waited for");
    assert_eq!(desk.json(&["run", "show", "--json"])["outcome"], "cancelled");
    let state = std::fs::read_to_string(desk.home("state/dev/slow.tfstate")).unwrap();
    assert!(state.contains("\"first\""), "it stopped gently, with what it had made in its state: {state}");
    let_go(&desk);
    desk.ok(&["deliver"]).without(&[STILL_AT_WORK]).says(&["slow  applied"]);
    desk.ok(&["ledger", "verify"]);
}

#[test]
fn a_cancel_interrupts_nothing_where_another_process_works() {
    let Some(desk) = blocked::estate() else { return };
    let code = std::fs::read_to_string(desk.folder().join("stacks/slow/main.tf")).unwrap();
    desk.write("stacks/other/stack.hcl", "stack \"other\" {}\n");
    desk.write("stacks/other/main.tf", code.replace("/made", "/other-made"));
    desk.commit("Another");
    kill_in_mid_apply(&desk, &["deliver", "slow"]);
    let next = desk.start(&["deliver", "other"]);
    wait_until("both are applied", || terraforms(&desk).len() == 2);
    desk.ok(&["run", "cancel", "1"])
        .says(&["a Terraform is still at work on dev/slow. It was not asked to stop: another process works in dev now"])
        .without(&["it has been asked to stop", "dev/other"]);
    assert_eq!(terraforms(&desk).len(), 2, "both are at work still");
    let_go(&desk);
    next.wait().expect(0).says(&["other  applied"]);
    wait_until("it has come to its end", || terraforms(&desk).is_empty());
    desk.ok(&["deliver", "slow"]);
}

/// The estate with a bucket in place of `first`, and a gate.
fn approved_and_cut_off() -> Option<Desk> {
    tools::terraform()?;
    let desk = blocked::estate()?;
    desk.edit("terrace.hcl", "environment \"dev\" {}", "environment \"dev\" {\n  protected = true\n}");
    desk.edit(
        "stacks/slow/main.tf",
        "resource \"terraform_data\" \"first\" {\n  input = \"one\"\n}",
        "terraform {\n  required_providers {\n    sandbox = {\n      source = \"terrace/sandbox\"\n    }\n  }\n}\n\
         provider \"sandbox\" {\n  region = \"eu-west-1\"\n}\n\
         resource \"sandbox_aws_bucket\" \"first\" {\n  name = \"first\"\n}",
    );
    desk.edit("stacks/slow/main.tf", "terraform_data.first", "sandbox_aws_bucket.first");
    desk.commit("A bucket, and a gate");
    desk.run(&["deliver"]).expect(3);
    desk.ok(&["run", "approve", "--reason", "looked at"]);
    kill_in_mid_apply(&desk, &["resume"]);
    kill_terraforms(&desk);
    Some(desk)
}

#[test]
fn what_is_left_of_an_approved_plan_needs_no_new_approval() {
    let Some(desk) = approved_and_cut_off() else { return };
    desk.ok(&["resume"]).without(&["waits for approval"]);
    let run = desk.json(&["run", "show", "--json"]);
    assert_eq!((&run["outcome"], &run["instances"][0]["state"]), (&"succeeded".into(), &"applied".into()));
    assert_eq!(desk.changes(), ["create dev/slow bucket first"]);
    let approvals = desk.json(&["ledger", "log", "--kind", "instance_approved", "--json"]);
    assert_eq!(approvals["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_plan_that_has_become_another_is_asked_about_again() {
    let Some(desk) = approved_and_cut_off() else { return };
    desk.ok(&["sandbox", "tamper", "bucket/first", "--set", "tags={\"by\":\"hand\"}"]);
    desk.run(&["resume"]).expect(3).says(&["waits for approval again (what was approved had another changes)"]);
    let run = desk.json(&["run", "show", "--json"]);
    assert_eq!(run["instances"][0]["approval"]["differs"], serde_json::json!(["changes"]));
    desk.ok(&["run", "approve"]);
    desk.ok(&["resume"]);
    assert_eq!(desk.changes().iter().filter(|change| change.starts_with("create")).count(), 1);
}
