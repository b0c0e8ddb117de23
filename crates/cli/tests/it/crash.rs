//! A Terrace that dies: at every point of its journal, again and again, and while Terraform is at work. Each time `resume` goes to the end,
//! with the same final state, and nothing is made twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::desk::{Desk, Done};
use crate::{harbour, small};

/// How many entries the ledger has.
fn entries(desk: &Desk) -> u64 {
    let database = desk.home("terrace.db");
    if !database.exists() {
        return 0;
    }
    let store = Connection::open(database).unwrap();
    let count = store.query_row("SELECT COUNT(*) FROM ledger", [], |row| row.get::<_, i64>(0));
    count.ok().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

/// Runs `terrace`, which dies when the ledger has got so many more entries.
fn run_to_crash(desk: &Desk, arguments: &[&str], after: Option<u64>) -> Done {
    let mut command = desk.command(arguments);
    if let Some(after) = after {
        command.env("TERRACE_CRASH_AFTER", after.to_string());
    }
    Done::of(command.output().expect("terrace can be started"))
}

/// Delivers, approves and resumes until the run is over. `dies` says, of the number of entries in the ledger, after how many more the next
/// process dies. Returns how often one died.
fn deliver_to_the_end(desk: &Desk, arguments: &[&str], mut dies: impl FnMut(u64) -> Option<u64>) -> u64 {
    let mut deaths = 0;
    let mut next = [&["deliver", "-j", "1"], arguments].concat();
    loop {
        let done = run_to_crash(desk, &next, dies(entries(desk)));
        match done.code {
            Some(0) => return deaths,
            Some(3) => {}
            None => deaths += 1,
            Some(_) => panic!("{done}"),
        }
        // Died before the last entry's effects, perhaps: what is over needs nobody.
        let newest = desk.json(&["run", "list", "--json"])["runs"][0].clone();
        if newest["finished_at"] != Json::Null {
            assert_eq!(newest["outcome"], "succeeded", "{newest:#}");
            return deaths;
        }
        if waits_for_approval(desk) {
            desk.ok(&["run", "approve"]);
        }
        next = vec!["resume"];
    }
}

fn waits_for_approval(desk: &Desk) -> bool {
    let run = desk.json(&["run", "show", "--json"]);
    run["instances"].as_array().unwrap().iter().any(|instance| {
        let approved_by = instance["approval"]["approved_by"].as_array();
        instance["state"] == "awaiting" && approved_by.is_some_and(Vec::is_empty)
    })
}

/// What is left of a delivery: everything that must be the same however often it was cut off.
#[derive(Debug, PartialEq)]
struct Left {
    exists: Vec<String>,
    instances: Vec<String>,
    states: Vec<(String, Json)>,
}

fn left(desk: &Desk) -> Left {
    let status = desk.json(&["status", "--json"]);
    let instance = |one: &Json| format!("{}/{} {}", one["environment"], one["stack"], one["release"]);
    let instances = status["instances"].as_array().unwrap().iter().map(instance).collect();
    let mut states = Vec::new();
    for file in files(&desk.home("state")) {
        let name = file.strip_prefix(desk.home("state")).unwrap().to_string_lossy().into_owned();
        if name.ends_with(".tfstate") {
            let state: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let resources = state["resources"].as_array().unwrap();
            let addresses = resources.iter().map(|one| format!("{}.{}", one["type"], one["name"]));
            let mut addresses: Vec<_> = addresses.collect();
            addresses.sort();
            states.push((name, addresses.into()));
        }
    }
    states.sort_by(|a, b| a.0.cmp(&b.0));
    Left { exists: desk.exists(), instances, states }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The run is over, nothing was made twice, no secret lies about, and the ledger is sound.
fn is_clean(desk: &Desk) {
    let run = desk.json(&["run", "show", "--json"]);
    assert_eq!(run["outcome"], "succeeded", "{run:#}");
    let created = desk.calls().into_iter().filter(|call| call.operation == "create" && call.outcome != "abandoned");
    let mut known = BTreeSet::new();
    for call in created {
        let what = (call.identity, call.cloud, call.kind, call.name);
        assert_eq!(call.outcome, "done", "{what:?}");
        assert!(known.insert(what.clone()), "made twice: {what:?}");
    }
    let secret =
        ["plan.tfplan", "plan.tfplan.age", "inputs.tfvars.json", "outputs.json", "pushed.tfstate", "errored.tfstate"];
    let is_secret = |path: &&std::path::PathBuf| secret.iter().any(|name| path.ends_with(name));
    let lying_about: Vec<_> = files(&desk.home("work")).into_iter().filter(|path| is_secret(&path)).collect();
    assert!(lying_about.is_empty(), "{lying_about:?}");
    desk.ok(&["ledger", "verify"]);
}

/// Divides the numbers up to `last` among threads.
fn for_every(last: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(1);
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get() + 1);
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > last {
                        break;
                    }
                    work(number);
                }
            });
        }
    });
}

#[test]
fn a_crash_at_any_point_of_the_journal_changes_nothing_in_the_end() {
    let Some(terraform) = tools::terraform() else { return };
    let slice = ["aws-cluster", "--upstream"];
    let undisturbed = harbour::estate(&terraform);
    assert_eq!(deliver_to_the_end(&undisturbed, &slice, |_| None), 0);
    is_clean(&undisturbed);
    let expected = left(&undisturbed);
    let last = entries(&undisturbed);
    for_every(last, |point| {
        let desk = harbour::estate(&terraform);
        deliver_to_the_end(&desk, &slice, |now| point.checked_sub(now).filter(|more| *more > 0));
        is_clean(&desk);
        assert_eq!(left(&desk), expected, "after a crash at entry {point} of {last}");
    });
}

#[test]
fn a_crash_at_any_point_leaves_nothing_unverified() {
    let Some(terraform) = tools::terraform() else { return };
    let verified = |desk: &Desk| {
        let entries = desk.json(&["ledger", "log", "--kind", "instance_verified", "--json"]);
        entries["entries"].as_array().unwrap().len()
    };
    let estate = || {
        let desk = small::estate(&terraform);
        // Not by its path: the same files are the same release.
        let asked = desk.repository().beside("home").join("asked");
        let script = r#"read -r outputs < \"$TERRACE_OUTPUTS\"; echo $outputs >> \"$HOME/asked\""#;
        let check = format!("check \"asked\" {{\n  command = [\"/bin/sh\", \"-c\", \"{script}\"]\n}}");
        desk.edit("stacks/base/stack.hcl", "stack \"base\" {\n", &format!("stack \"base\" {{\n{check}\n"));
        desk.commit("Check");
        (desk, asked)
    };
    let slice = ["--to", "dev", "base", "middle"];
    let (undisturbed, _) = estate();
    assert_eq!(deliver_to_the_end(&undisturbed, &slice, |_| None), 0);
    let expected = left(&undisturbed);
    let last = entries(&undisturbed);
    for_every(last, |point| {
        let (desk, asked) = estate();
        deliver_to_the_end(&desk, &slice, |now| point.checked_sub(now).filter(|more| *more > 0));
        is_clean(&desk);
        assert_eq!(left(&desk), expected, "after a crash at entry {point} of {last}");
        assert_eq!(verified(&desk), 1, "after a crash at entry {point} of {last}");
        assert!(fs::read_to_string(asked).unwrap().contains("\"label\":\"one\""));
    });
}

#[test]
fn an_estate_is_delivered_by_processes_that_all_die() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    // Taken up, entered, settled, prepared, planned, kept, applied: each goes one instance further.
    let deaths = deliver_to_the_end(&desk, &[], |_| Some(7));
    assert!(deaths > 20, "{deaths}");
    is_clean(&desk);
    assert_eq!(left(&desk).instances.len(), 3 * harbour::WAVES.concat().len());
    desk.run(&["deliver"]).expect(0);
}

#[test]
fn a_run_that_is_called_off_after_a_crash_leaves_no_plan() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    // The order, the beginning, the entrance, prepared, planned.
    assert_eq!(run_to_crash(&desk, &["deliver", "--env", "dev", "side"], Some(5)).code, None);
    let plan = desk.home("work/dev/side/plan.tfplan");
    assert!(plan.exists(), "{:?}", files(&desk.home("work")));
    desk.ok(&["run", "cancel"]).says(&["Run 1 is called off"]);
    assert!(!plan.exists());
    desk.ok(&["deliver", "--env", "dev", "side"]);
}

#[test]
fn evidence_is_there_as_soon_as_an_apply_is_recorded() {
    let Some(terraform) = tools::terraform() else { return };
    let is_applied = |desk: &Desk| {
        let status = desk.json(&["status", "--json"]);
        status["instances"].as_array().unwrap().iter().any(|instance| instance["last_state"] == "applied")
    };
    let index = |desk: &Desk| fs::read_to_string(desk.home("releases/index.json")).unwrap();
    let waiting = |desk: &Desk| desk.home("releases/terrace-referrers-1").exists();
    // The first point at which the apply is recorded.
    let desk = (5..15).map(|after| {
        let desk = small::estate(&terraform);
        assert_eq!(run_to_crash(&desk, &["deliver", "--env", "dev", "side"], Some(after)).code, None);
        desk
    });
    let desk = desk.into_iter().find(is_applied).expect("it is applied before the run is over");
    let side = desk.json(&["release", "show", "latest", "side", "--json"]);
    let kinds: Vec<_> = side["evidence"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["built-from", "applied-in"], "{side:#}");
    // Other tools see it at the end of a run.
    assert!(waiting(&desk) && !index(&desk).contains("applied-in"));
    desk.ok(&["deliver", "--env", "dev", "side", "--again"]);
    assert!(!waiting(&desk) && index(&desk).contains("applied-in"));
    let side = desk.json(&["release", "show", "latest", "side", "--json"]);
    assert_eq!(side["evidence"].as_array().unwrap().len(), 2, "the same is not attached twice: {side:#}");
}
