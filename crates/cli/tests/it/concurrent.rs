//! Several deliveries at once, and decisions about a run that another process drives.

use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::blocked;
use crate::desk::{Desk, wait_until};
use crate::small;

/// What the newest run of this number says.
fn run(desk: &Desk, id: u64) -> Json {
    desk.json(&["run", "show", &id.to_string(), "--json"])
}

/// No two calls have made the same.
fn nothing_is_made_twice(desk: &Desk) {
    let mut made: Vec<_> = desk.changes();
    made.sort();
    assert!(made.iter().all(|change| change.starts_with("create ")), "{made:#?}");
    assert!(made.windows(2).all(|pair| pair[0] != pair[1]), "{made:#?}");
}

#[test]
fn one_environment_belongs_to_one_delivery_and_others_wait_and_are_told_whose_it_is() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "side"]);
    desk.ok(&["sandbox", "latency", "1"]);
    let first = desk.start(&["deliver", "--to", "dev", "base"]);
    let holder = || desk.json(&["status", "--json"])["environments"][0]["held_by"].clone();
    wait_until("the first delivery holds dev", || !holder().is_null());
    assert_eq!(
        (&holder()["pid"], &holder()["command"]),
        (&first.pid().into(), &"terrace deliver --to dev base".into())
    );
    desk.ok(&["status"]).says(&["dev: `terrace deliver --to dev base` is at work since "]);

    let pid = first.pid();
    let by = format!("dev is taken by `terrace deliver --to dev base` (process {pid} of ada on ");
    let second = desk.start(&["deliver", "--to", "dev", "middle"]);
    desk.run(&["plan", "side"]).expect(1).says(&[&by, "Wait until it is done"]);
    // Another environment is nobody's.
    desk.ok(&["deliver", "--env", "test", "side"]).says(&["1 applied"]).without(&["waiting for"]);
    first.wait().expect(0).says(&["1 applied"]).without(&["waiting for"]);
    let waited = format!("waiting for dev: it is taken by `terrace deliver --to dev base` (process {pid} of ada on ");
    second.wait().expect(0).says(&[&waited, "1 applied"]);
    assert!(holder().is_null());
    assert_eq!(desk.exists(), ["base-dev", "middle-dev", "side-dev", "side-test"].map(|name| format!("bucket {name}")));
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn two_environments_are_delivered_to_at_once() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "base", "side"]);
    let both = [
        desk.start(&["deliver", "--to", "dev", "middle", "top"]),
        desk.start(&["deliver", "--env", "test", "base", "side"]),
    ];
    for one in both {
        one.wait().expect(0).says(&["2 applied"]).without(&["waiting for"]);
    }
    assert_eq!(desk.exists().len(), 6);
    let runs = desk.json(&["run", "list", "--json"])["runs"].clone();
    assert!(runs.as_array().unwrap().iter().all(|run| run["outcome"] == "succeeded"), "{runs:#}");
}

#[test]
fn two_deliveries_of_the_whole_estate_at_once_both_end_well() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let both = [desk.start(&["deliver", "--to", "test"]), desk.start(&["deliver", "--to", "test"])];
    for one in both {
        let done = one.wait();
        if done.code != Some(0) {
            done.expect(1).says(&["superseded"]);
        }
    }
    assert_eq!(desk.exists().len(), 8);
    nothing_is_made_twice(&desk);
    let outcomes = [1, 2].map(|id| run(&desk, id)["outcome"].as_str().unwrap().to_owned());
    assert!(outcomes.iter().all(|outcome| ["succeeded", "superseded"].contains(&outcome.as_str())), "{outcomes:?}");
    assert_eq!(outcomes[1], "succeeded", "nothing came after it");
    desk.ok(&["ledger", "verify"]);
}

#[test]
fn a_newer_run_supersedes_one_that_waits_for_people() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.run(&["deliver", "side"]).expect(3);
    assert!(desk.home("work/prod/side/plan.tfplan.age").exists());
    desk.run(&["deliver", "side"]).expect(3).says(&["Run 1 gives way to run 2"]);
    assert_eq!((&run(&desk, 1)["outcome"], &run(&desk, 2)["outcome"]), (&"superseded".into(), &"waiting".into()));
    desk.run(&["run", "approve", "1"]).expect(2);
    desk.ok(&["run", "approve", "2"]);
    desk.ok(&["resume"]).without(&["planned again"]);
    nothing_is_made_twice(&desk);
}

#[test]
fn a_newer_run_does_not_supersede_what_is_being_applied() {
    let Some(desk) = blocked::estate() else { return };
    let first = desk.start(&["deliver"]);
    wait_until("the apply is in the middle", || blocked::times_made(&desk) == 1);
    let second = desk.start(&["deliver"]);
    wait_until("the second run is there", || desk.json(&["run", "list", "--json"])["runs"][0]["id"] == 2);
    blocked::let_go(&desk);
    first.wait().expect(0).says(&["slow  applied"]);
    second.wait().expect(0);
    assert_eq!((blocked::times_made(&desk), &run(&desk, 1)["outcome"]), (1, &"succeeded".into()));
}

#[test]
fn a_run_that_another_process_drives_is_called_off() {
    let Some(desk) = blocked::estate() else { return };
    let first = desk.start(&["deliver"]);
    wait_until("the apply is in the middle", || blocked::times_made(&desk) == 1);
    desk.ok(&["run", "cancel", "--reason", "not today"]).says(&["Run 1 has been asked to stop"]);
    // Terraform ends what `second` was running, which fails then.
    first.wait().expect(1).says(&["Run 1 in dev cancelled"]);
    assert_eq!(run(&desk, 1)["outcome"], "cancelled");
    let log = desk.json(&["ledger", "log", "--kind", "run_cancelled", "--json"]);
    assert_eq!(log["entries"][0]["reason"], "not today");
    blocked::let_go(&desk);
}

#[test]
fn a_run_that_another_process_drives_takes_approvals() {
    let Some(desk) = blocked::estate() else { return };
    // `quick` waits for people while `slow` keeps the process at work.
    desk.edit("terrace.hcl", "environment \"dev\" {}", "environment \"dev\" {\n  protected = true\n}");
    desk.write("stacks/quick/stack.hcl", "stack \"quick\" {}\n");
    desk.write("stacks/quick/main.tf", "resource \"terraform_data\" \"quick\" {}\n");
    desk.commit("A second stack");
    desk.run(&["deliver"]).expect(3);
    desk.ok(&["run", "approve", "--stack", "slow"]);
    let driver = desk.start(&["resume"]);
    wait_until("the apply is in the middle", || blocked::times_made(&desk) == 1);
    desk.ok(&["run", "approve", "--stack", "quick"]).says(&["The process that drives the run goes on with it"]);
    let approved = || desk.json(&["ledger", "log", "--kind", "instance_approved", "--json"]);
    wait_until("it is taken in", || approved()["entries"].as_array().is_some_and(|entries| entries.len() == 2));
    blocked::let_go(&desk);
    driver.wait().expect(0).says(&["2 applied"]);
}
