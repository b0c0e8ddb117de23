//! Snapshots of states: taken, listed, and put back by the real Terraform when a state was lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::small;

const SIDE: [&str; 3] = ["side", "--env", "dev"];

/// The small estate with `side` delivered, changed, and delivered again. Each delivery takes a snapshot: 1 and 2.
fn desk() -> Option<Desk> {
    let desk = small::estate(&tools::terraform()?);
    desk.ok(&["deliver", "--to", "dev", "side"]);
    save(&desk).says(&["is that of snapshot 1 still"]);
    repaint(&desk, "blue", "red");
    save(&desk).says(&["is that of snapshot 2 still"]);
    Some(desk)
}

fn save(desk: &Desk) -> crate::desk::Done {
    desk.ok(&[&["state", "save"], &SIDE[..]].concat())
}

fn restore(desk: &Desk, more: &[&str]) -> crate::desk::Done {
    desk.run(&[&["state", "restore"], &SIDE[..], more].concat())
}

fn repaint(desk: &Desk, from: &str, to: &str) {
    desk.edit(
        "terrace.hcl",
        &format!("\"eu-west-1\", colour = \"{from}\""),
        &format!("\"eu-west-1\", colour = \"{to}\""),
    );
    desk.commit("Paint it");
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 applied"]);
}

/// What opens the user's snapshots.
fn identity(desk: &Desk) -> PathBuf {
    desk.repository().beside("home/.config/terrace/identity.txt")
}

fn state(desk: &Desk) -> PathBuf {
    desk.home("state/dev/side.tfstate")
}

fn state_json(desk: &Desk) -> Json {
    serde_json::from_slice(&fs::read(state(desk)).unwrap()).unwrap()
}

/// What the ledger has of states.
fn kinds(desk: &Desk) -> Vec<String> {
    let report = desk.json(&["ledger", "log", "--json", "--oldest-first", "--kind", "state_*"]);
    report["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn snapshots_are_listed() {
    let Some(desk) = desk() else { return };
    save(&desk).says(&["is that of snapshot 2 still"]);
    let states = desk.json(&["state", "list", "--json"]);
    assert_eq!((&states["schema"], states["states"].as_array().unwrap().len()), (&"terrace.states/1".into(), 1));
    let newest = &states["states"][0];
    assert_eq!((&newest["stack"], &newest["snapshot"], &newest["resources"]), (&"side".into(), &2.into(), &1.into()));
    assert_eq!(newest["serial"], state_json(&desk)["serial"]);
    let all = desk.json(&[&["state", "snapshots", "--json"], &SIDE[..]].concat());
    assert_eq!((&all["schema"], all["snapshots"].as_array().unwrap().len()), (&"terrace.snapshots/1".into(), 2));
    let text = desk.ok(&[&["state", "snapshots"], &SIDE[..]].concat()).stdout;
    assert!(text.starts_with("SNAPSHOT") && text.lines().count() == 3, "{text}");
    let text = desk.ok(&["state", "list", "--env", "dev"]).stdout;
    assert!(text.contains("side") && text.contains("just now"), "{text}");
    desk.ok(&["state", "list", "--env", "prod"]).says(&["No snapshots in `prod`"]);
    desk.ok(&["state", "snapshots", "base", "--env", "dev"]).says(&["No snapshots of base in dev"]);
}

#[test]
fn what_changed_outside_of_terrace_is_saved_on_request() {
    let Some(desk) = desk() else { return };
    let mut changed = state_json(&desk);
    changed["serial"] = (changed["serial"].as_u64().unwrap() + 1).into();
    fs::write(state(&desk), serde_json::to_vec(&changed).unwrap()).unwrap();
    save(&desk).says(&["Snapshot 3 of side in dev is taken"]);
    assert_eq!(kinds(&desk), ["state_snapshot"; 3]);
}

#[test]
fn secrets_are_sealed_and_their_owners_alone() {
    let Some(desk) = desk() else { return };
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&identity(&desk)), 0o600);
    let sealed: Vec<_> =
        fs::read_dir(desk.home("snapshots/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(sealed.len(), 2);
    for path in &sealed {
        assert_eq!(mode(path), 0o600);
        assert!(fs::read(path).unwrap().starts_with(b"age-encryption.org/v1\n"));
    }
    fs::set_permissions(identity(&desk), fs::Permissions::from_mode(0o644)).unwrap();
    desk.run(&[&["state", "save"], &SIDE[..]].concat()).expect(2).says(&["can be read by others", "chmod 600"]);
}

#[test]
fn a_lost_state_is_restored_and_nothing_is_built_a_second_time() {
    let Some(desk) = desk() else { return };
    let before = fs::read(state(&desk)).unwrap();
    fs::remove_file(state(&desk)).unwrap();
    restore(&desk, &[]).expect(3).says(&["there is none", "nobody is there to be asked", "--yes"]);
    assert!(!state(&desk).exists());
    restore(&desk, &["--yes", "--reason", "the disk died"]).expect(0).says(&["has the state of snapshot 2 again"]);
    let (now, then) = (state_json(&desk), serde_json::from_slice::<Json>(&before).unwrap());
    assert_eq!((&now["lineage"], &now["resources"]), (&then["lineage"], &then["resources"]));
    assert_eq!(
        desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]))),
        [""; 0]
    );
    assert_eq!(kinds(&desk), ["state_snapshot", "state_snapshot", "state_restore_begun", "state_restored"]);
    let restored = &desk.json(&["ledger", "log", "--json", "--kind", "state_restored"])["entries"][0];
    assert_eq!((&restored["reason"], &restored["environment"]), (&"the disk died".into(), &"dev".into()));
    desk.ok(&["ledger", "verify"]);
    assert!(!desk.home("work/dev/side/pushed.tfstate").exists(), "nothing in the clear is left");
}

#[test]
fn an_older_snapshot_is_refused_and_forced_and_what_it_overwrites_is_kept() {
    let Some(desk) = desk() else { return };
    restore(&desk, &["--yes"]).expect(0).says(&["is that of snapshot 2 already"]);
    repaint(&desk, "red", "green");
    let before = state_json(&desk);
    restore(&desk, &["--yes", "--snapshot", "1"]).expect(4).says(&["older than the state", "--force"]);
    assert_eq!(state_json(&desk), before);
    restore(&desk, &["--yes", "--snapshot", "1", "--force"])
        .expect(0)
        .says(&["has the state of snapshot 1 again", "What was there is snapshot 3"]);
    assert_ne!(state_json(&desk)["resources"], before["resources"]);
    restore(&desk, &["--yes", "--snapshot", "3", "--force"]).expect(0);
    assert_eq!(state_json(&desk)["resources"], before["resources"]);
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
    desk.ok(&["ledger", "verify"]);
}

#[test]
fn a_state_of_another_lineage_is_refused() {
    let Some(desk) = desk() else { return };
    let mut other = state_json(&desk);
    other["lineage"] = "00000000-1111-2222-3333-444444444444".into();
    other["serial"] = 1.into();
    fs::write(state(&desk), serde_json::to_vec(&other).unwrap()).unwrap();
    restore(&desk, &["--yes"]).expect(4).says(&["of another state: its lineage is", "--force"]);
    restore(&desk, &["--yes", "--force"]).expect(0).says(&["What was there is snapshot 3"]);
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn wrong_names_and_damaged_snapshots_are_told() {
    let Some(desk) = desk() else { return };
    restore(&desk, &["--snapshot", "9"]).expect(2).says(&["there is no snapshot `9` of side in dev"]);
    restore(&desk, &["--snapshot", "zz"]).expect(2).says(&["there is no snapshot `zz`"]);
    restore(&desk, &["--snapshot", ""]).expect(2).says(&["beginning of 2 digests"]);
    desk.run(&["state", "restore", "base", "--env", "dev"]).expect(2).says(&["no snapshot of base in dev"]);
    desk.run(&["state", "restore", "bas", "--env", "dev"]).expect(2).says(&["bas"]);
    desk.run(&["state", "restore", "side", "--env", "nowhere"]).expect(2).says(&["nowhere"]);
    desk.run(&["state", "save", "base", "--env", "dev"]).expect(1).says(&["base has no state in dev"]);
    let digest = desk.json(&["state", "list", "--json"])["states"][0]["digest"].as_str().unwrap().to_owned();
    let sealed = desk.home(&format!("snapshots/sha256/{}.age", digest.strip_prefix("sha256:").unwrap()));
    let mut bytes = fs::read(&sealed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&sealed, &bytes).unwrap();
    fs::remove_file(state(&desk)).unwrap();
    restore(&desk, &["--yes", "--snapshot", &digest[..20]]).expect(1).says(&["is damaged", "Nothing was done"]);
    fs::remove_file(&sealed).unwrap();
    restore(&desk, &["--yes"]).expect(1).says(&["is not there"]);
    restore(&desk, &["--yes", "--snapshot", "1"]).expect(0);
}

#[test]
fn a_snapshot_that_was_sealed_for_others_is_told() {
    let Some(desk) = desk() else { return };
    fs::remove_file(identity(&desk)).unwrap();
    fs::remove_file(state(&desk)).unwrap();
    restore(&desk, &["--yes"]).expect(1).says(&["was sealed for others"]);
}

#[test]
fn a_lock_on_the_state_stops_a_restore_and_names_who_holds_it() {
    let Some(desk) = desk() else { return };
    repaint(&desk, "red", "green");
    // As Terraform's own: the lock info beside the state, and the file held by a lock of the operating system.
    let info = r#"{"ID":"4711","Operation":"OperationTypeApply","Info":"","Who":"eve@elsewhere","Version":"1.11.4","Created":"2026-11-24T19:05:10Z","Path":"x"}"#;
    fs::write(desk.home("state/dev/.side.tfstate.lock.info"), info).unwrap();
    let file = fs::File::options().read(true).write(true).open(state(&desk)).unwrap();
    rustix_lock(&file);
    let done = restore(&desk, &["--yes", "--snapshot", "1", "--force"]).expect(1);
    assert!(done.stderr.contains("eve@elsewhere") && done.stderr.contains("4711"), "{done}");
    assert_eq!(kinds(&desk).last().unwrap(), "state_restore_failed");
}

/// The lock that Terraform takes on local states: a record lock (`fcntl`), which `flock` does not meet.
fn rustix_lock(file: &fs::File) {
    rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
}
