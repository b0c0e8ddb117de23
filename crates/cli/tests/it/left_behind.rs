//! What earlier deliveries left behind: stacks that the estate has no more, runs without an end, an estate that is broken since, and
//! states that another work tree does not see.

use std::fs;

use rusqlite::Connection;
use terrace_testkit::tools;

use crate::desk::{Desk, Signal, wait_until};
use crate::small;

/// `side` of the small estate, delivered to `dev`.
fn delivered() -> Option<Desk> {
    let desk = small::estate(&tools::terraform()?);
    desk.ok(&["deliver", "--to", "dev", "side"]);
    Some(desk)
}

#[test]
fn a_renamed_stack_is_named_before_it_is_built_anew() {
    let Some(desk) = delivered() else { return };
    desk.edit("stacks/side/stack.hcl", "stack \"side\"", "stack \"aside\"");
    desk.commit("Rename");
    let warning = "warning: side is not in the estate any more: what it made stays where it is, and is not destroyed. If a stack was \
                   renamed, everything is built anew";
    desk.ok(&["plan", "aside"]).says(&[warning]);
    desk.ok(&["plan", "base", "--env", "test"]).says(&["Planning 1 stack"]).without(&["not in the estate any more"]);
    let made = desk.exists();
    desk.ok(&["deliver", "--to", "dev", "base"]).says(&[warning]);
    assert!(made.iter().all(|one| desk.exists().contains(one)));
    assert!(desk.ok(&["status"]).stdout.contains("side (removed)"));
}

#[test]
fn a_removed_stack_is_named_once_where_it_is_part_of_the_change() {
    let Some(desk) = delivered() else { return };
    fs::remove_dir_all(desk.folder().join("stacks/side")).unwrap();
    desk.commit("Remove");
    let done = desk
        .ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"])
        .says(&["Nothing to deliver: no stack is affected"]);
    assert_eq!(done.stderr.matches("side is not in the estate any more").count(), 1, "{done}");
}

#[test]
fn a_run_whose_terrace_was_killed_is_shown_as_abandoned() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "latency", "0.5"]);
    let terrace = desk.start(&["deliver", "--to", "dev", "side"]);
    let state = || desk.json(&["status", "--json"])["instances"][0]["last_state"].clone();
    wait_until("side is being applied", || state() == "applying");
    let outcome = || desk.json(&["run", "list", "--json"])["runs"][0]["outcome"].clone();
    assert_eq!(outcome(), "running");
    terrace.signal(Signal::KILL);
    terrace.wait();
    assert_eq!((state(), outcome()), ("abandoned".into(), "abandoned".into()));
    assert!(desk.ok(&["status"]).stdout.contains("abandoned in run 1"));
    let run = desk.json(&["run", "show", "--json"]);
    assert_eq!((&run["outcome"], &run["finished_at"]), (&"abandoned".into(), &serde_json::Value::Null));
    assert_eq!(run["instances"][0]["state"], "abandoned");
    assert!(desk.ok(&["run", "show"]).stdout.contains("abandoned in apply: Terrace was killed"));
    // Looking has written nothing: the next delivery that works there finds the run, and closes it.
    desk.ok(&["sandbox", "latency", "0"]);
    desk.ok(&["deliver", "--to", "dev", "base"]).without(&["run 1"]);
    desk.run(&["deliver", "--to", "dev", "side"]).expect(0).says(&["run 1 ended without a word: Terrace was killed"]);
}

#[test]
fn an_open_run_that_cannot_be_read_keeps_nobody_from_delivering() {
    let Some(desk) = delivered() else { return };
    let store = Connection::open(desk.home("terrace.db")).unwrap();
    store
        .execute_batch(
            "DROP TRIGGER ledger_is_kept_update;
             UPDATE ledger SET body = '{}' WHERE run_seq = 1;
             UPDATE run SET finished_at = NULL, outcome = 'running';
             UPDATE instance SET state = 'applying';",
        )
        .unwrap();
    drop(store);
    desk.ok(&["deliver", "--to", "dev", "base"])
        .says(&["warning: run 1: entry 1 of the journal cannot be read", "closed as abandoned"]);
    let runs = desk.json(&["run", "list", "--json"])["runs"].clone();
    assert_eq!((&runs[0]["outcome"], &runs[1]["outcome"]), (&"succeeded".into(), &"abandoned".into()));
    let instances = desk.json(&["status", "--json"])["instances"].clone();
    let side = instances.as_array().unwrap().iter().find(|instance| instance["stack"] == "side").unwrap().clone();
    assert_eq!(side["last_state"], "abandoned");
    desk.ok(&["deliver", "--to", "dev", "--again", "base"]).says(&["1 unchanged"]).without(&["cannot be read"]);
}

#[test]
fn what_runs_is_shown_though_the_estate_is_broken_now() {
    let Some(desk) = delivered() else { return };
    desk.write("stacks/side/stack.hcl", "stack \"side\" {\n");
    let done = desk.ok(&["status"]).says(&["warning: the estate has 1 error", "`terrace validate`"]);
    assert!(done.stdout.contains("side") && !done.stdout.contains("(removed)"), "{done}");
    let status = desk.json(&["status", "--json"]);
    assert_eq!((&status["estate"], &status["environments"][0]["name"]), (&serde_json::Value::Null, &"dev".into()));
    assert_eq!(status["instances"][0]["last_state"], "applied");
}

#[test]
fn states_of_one_work_tree_alone_are_warned_of_in_a_linked_one() {
    let Some(desk) = delivered() else { return };
    let linked = desk.repository().beside("linked");
    desk.repository().git(&["worktree", "add", "--quiet", "-b", "other", linked.to_str().unwrap()]);
    let there = ["-C", linked.to_str().unwrap()];
    let run = |words: &[&str]| desk.ok(&[&there[..], words].concat());
    run(&["plan", "side"]).without(&["linked work tree"]);
    run(&["deliver", "--to", "dev", "side"]).says(&["warning: this is a linked work tree", "built a second time here"]);
    desk.ok(&["deliver", "--to", "dev", "side"]).without(&["linked work tree"]);
}

#[test]
fn old_logs_go_and_the_record_stays() {
    let Some(desk) = delivered() else { return };
    // As if a hundred runs had come after the first.
    for run in 2..=101 {
        fs::create_dir(desk.home(&format!("runs/{run}"))).unwrap();
    }
    desk.ok(&["deliver", "--to", "dev", "base"]);
    assert!(!desk.home("runs/1").exists());
    assert!(desk.home("runs/2/dev/base.plan.jsonl").exists() && desk.home("runs/101").exists());
    assert_eq!(desk.json(&["run", "show", "1", "--json"])["outcome"], "succeeded");
}
