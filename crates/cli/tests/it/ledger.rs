//! The ledger as people and other programs read it: filters, JSON, and what is found when somebody has tampered with it.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::desk::{Desk, Done};
use crate::small;

/// A desk with a ledger of two deliveries: of everything to `dev`, and of one stack that was changed.
fn desk() -> Option<Desk> {
    let desk = small::delivered(&tools::terraform()?);
    desk.edit("terrace.hcl", "colour = \"blue\"", "colour = \"red\"");
    desk.commit("Paint it red");
    desk.ok(&["deliver", "--to", "dev", "side"]);
    Some(desk)
}

fn tamper(desk: &Desk, sql: &str) {
    let connection = Connection::open(desk.home("terrace.db")).unwrap();
    let drop = "DROP TRIGGER IF EXISTS ledger_is_kept_update; DROP TRIGGER IF EXISTS ledger_is_kept_delete; \
                DROP TRIGGER IF EXISTS checkpoint_is_kept_delete;";
    connection.execute_batch(&format!("{drop}{sql}")).unwrap();
}

fn head(verified: &Done) -> String {
    verified.stdout.lines().find_map(|line| line.strip_prefix("head ")).expect("a head").to_owned()
}

/// The number of the last entry, which a head begins with.
fn last_of(head: &str) -> usize {
    head.split(':').next().unwrap().parse().unwrap()
}

#[test]
fn what_was_done_is_listed_and_filtered() {
    let Some(desk) = desk() else { return };
    let entries = |arguments: &[&str]| {
        let report = desk.json(&[&["ledger", "log", "--json"], arguments].concat());
        assert_eq!(report["schema"], "terrace.ledger/1");
        report["entries"].as_array().unwrap().clone()
    };
    let seqs = |entries: &[Json]| entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect::<Vec<_>>();
    let all = entries(&["--limit", "1000"]);
    assert_eq!(seqs(&all), (1..=all.len() as u64).rev().collect::<Vec<_>>());
    let those = |is_one: &dyn Fn(&Json) -> bool| all.iter().filter(|entry| is_one(entry)).cloned().collect::<Vec<_>>();
    let snapshots = entries(&["--kind", "state_snapshot"]);
    assert_eq!(snapshots, those(&|entry| entry["kind"] == "state_snapshot"));
    assert_eq!((snapshots.len(), &snapshots[0]["stack"]), (5, &"side".into()));
    let oldest = entries(&["--kind", "state_*", "--oldest-first", "--limit", "2"]);
    assert_eq!(oldest, [snapshots[4].clone(), snapshots[3].clone()]);
    let of_side = entries(&["--limit", "1000", "--stack", "side", "--env", "dev"]);
    assert_eq!(of_side, those(&|entry| entry["stack"] == "side" && entry["environment"] == "dev"));
    assert_eq!(of_side.iter().filter(|entry| entry["kind"] == "instance_applied").count(), 2);
    assert_eq!(entries(&["--env", "prod"]), [Json::Null; 0]);
    assert_eq!(entries(&["--limit", "1000", "--actor", "ada@*", "--since", "1h"]), all);
    assert_eq!(entries(&["--until", "2020-01-01"]), [Json::Null; 0]);
    let text = desk.ok(&["ledger", "log"]).stdout;
    assert!(text.starts_with("ENTRY") && text.contains("state_snapshot") && text.contains("ada@"), "{text}");
    desk.ok(&["ledger", "log", "--limit", "1"]).says(&["1 entry; more with `--limit`"]);
    desk.run(&["ledger", "log", "--since", "soon"]).expect(2).says(&["expected a date"]);
    desk.ok(&["ledger", "log", "--kind", "nothing"]).says(&["No entries."]);
}

#[test]
fn tampering_is_found_and_the_entry_named() {
    let Some(desk) = desk() else { return };
    let verified = desk.ok(&["ledger", "verify"]);
    let head = head(&verified);
    let last = last_of(&head);
    let sound = format!("sound: {last} entries, 2 trusted checkpoints");
    assert!(verified.stdout.contains(&sound), "{verified}");
    desk.ok(&["ledger", "verify", "--expect", &head]);
    tamper(&desk, &format!("DELETE FROM ledger WHERE seq = {last}"));
    // The runs have signed how far it had come.
    let named = format!("names it, and the ledger ends with entry {}", last - 1);
    desk.run(&["ledger", "verify"]).expect(1).says(&[&named]);
    // Without their checkpoints only those know who have kept its head.
    tamper(&desk, "DELETE FROM checkpoint");
    desk.ok(&["ledger", "verify"]);
    let named = format!("entry {last}: a checkpoint of --expect {named}");
    desk.run(&["ledger", "verify", "--expect", &head]).expect(1).says(&[&named]);
    tamper(&desk, "UPDATE ledger SET actor = 'eve@host' WHERE seq = 1");
    let done = desk.run(&["ledger", "verify"]).expect(1).says(&["entry 1: its hash is not that of its content"]);
    assert!(done.stdout.contains(&format!("NOT SOUND: {} entries", last - 1)), "{done}");
    let report = desk.run(&["ledger", "verify", "--json"]).expect(1).json();
    assert_eq!((&report["schema"], &report["sound"]), (&"terrace.ledger.verify/1".into(), &Json::Bool(false)));
    assert_eq!(report["faults"][0]["seq"], 1);
    desk.run(&["ledger", "verify", "--expect", "3"]).expect(2).says(&["expected SEQ:HASH"]);
    desk.run(&["ledger", "verify", "--expect", "0:00"]).expect(2);
}

#[test]
fn where_nothing_is_recorded_there_is_nothing_to_list_and_something_to_expect() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["ledger", "log"]).says(&["No entries."]);
    assert_eq!(desk.json(&["ledger", "log", "--json"])["entries"], Json::Array(vec![]));
    assert_eq!(desk.ok(&["ledger", "log", "--json-lines"]).stdout, "");
    desk.ok(&["ledger", "verify"]);
    let hash = "0".repeat(64);
    desk.run(&["ledger", "verify", "--expect", &format!("7:{hash}")]).expect(1).says(&["the ledger is empty"]);
    assert!(!desk.home("terrace.db").exists(), "looking makes nothing");
}

#[test]
fn a_ledger_of_a_newer_terrace_or_none_at_all_is_refused() {
    let Some(desk) = desk() else { return };
    Connection::open(desk.home("terrace.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    desk.run(&["ledger", "verify"]).expect(2).says(&["version 99", "newer Terrace"]);
    for file in ["terrace.db", "terrace.db-wal", "terrace.db-shm"] {
        let _ = fs::remove_file(desk.home(file));
    }
    fs::write(desk.home("terrace.db"), "not a database, but long enough to be looked at as one".repeat(40)).unwrap();
    desk.run(&["ledger", "log"]).expect(1).says(&["not a database"]);
}

#[test]
fn other_tools_compute_the_same_hashes() {
    let Some(desk) = desk() else { return };
    let (Some(jq), Some(_)) = (which("jq"), which("sha256sum")) else { return };
    let lines = desk.ok(&["ledger", "log", "--json-lines"]).stdout;
    assert_eq!(lines.lines().count(), last_of(&head(&desk.ok(&["ledger", "verify"]))));
    for line in lines.lines() {
        let entry: Json = serde_json::from_str(line).unwrap();
        let mut canonical = Command::new(&jq)
            .args(["-cjS", "del(.hash)"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        canonical.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let sum = Command::new("sha256sum").stdin(canonical.stdout.take().unwrap()).output().unwrap();
        canonical.wait().unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        assert_eq!(entry["hash"], sum.split(' ').next().unwrap());
    }
}

fn which(program: &str) -> Option<std::path::PathBuf> {
    let paths = ["/usr/bin", "/bin", "/usr/local/bin"];
    paths.iter().map(|folder| std::path::Path::new(folder).join(program)).find(|path| path.exists())
}
