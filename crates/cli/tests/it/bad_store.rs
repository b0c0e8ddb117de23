//! A `.terrace` folder that cannot be used, and a place of states that has moved. Nothing in it is ever overwritten to go on.

use std::fs;

use rusqlite::Connection;
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::small;

/// `side` of the small estate, delivered.
fn delivered() -> Option<Desk> {
    let desk = small::estate(&tools::terraform()?);
    desk.ok(&["deliver", "--to", "dev", "side"]);
    Some(desk)
}

#[test]
fn what_a_newer_terrace_wrote_is_left_alone() {
    let Some(desk) = delivered() else { return };
    let store = Connection::open(desk.home("terrace.db")).unwrap();
    store.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    for arguments in [
        &["deliver", "--to", "dev", "side"][..],
        &["run", "list"],
        &["plan", "side"],
        &["run", "list"],
        &["run", "show", "1"],
        &["status"],
    ] {
        desk.run(arguments).expect(2).says(&[
            "the store has version 99",
            "A newer Terrace has worked here",
            "nothing was changed",
        ]);
    }
    // What needs no record works.
    desk.ok(&["list"]);
    desk.ok(&["validate"]);
    // One from before there were releases is left alone, too.
    for (version, words) in [(1, Some("from before there were releases")), (2, None)] {
        let store = Connection::open(desk.home("terrace.db")).unwrap();
        store.pragma_update(None, "user_version", version).unwrap();
        drop(store);
        if let Some(words) = words {
            desk.run(&["deliver", "--to", "dev", "side"]).expect(2).says(&[words, "Move .terrace/terrace.db away"]);
        }
    }
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["Run 2 in dev succeeded: 1 unchanged"]);
}

#[test]
fn a_damaged_store_is_told_and_not_overwritten() {
    for (what, damage) in [
        ("cut off", Box::new(|bytes: &[u8]| bytes[..bytes.len() / 2].to_vec()) as Box<dyn Fn(&[u8]) -> Vec<u8>>),
        ("garbage", Box::new(|bytes: &[u8]| vec![b'x'; bytes.len()])),
        ("pages lost", Box::new(|bytes: &[u8]| [&bytes[..4096], &vec![0; bytes.len() - 4096][..]].concat())),
    ] {
        let Some(desk) = delivered() else { return };
        let path = desk.home("terrace.db");
        let bytes = damage(&fs::read(&path).unwrap());
        fs::write(&path, &bytes).unwrap();
        let before = desk.changes();
        let done = desk.run(&["deliver", "--to", "dev", "side"]).expect(1).says(&[
            "the store of runs cannot be used",
            "terrace.db",
            "help: ",
        ]);
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}: it was written over: {done}");
        assert_eq!(desk.changes(), before, "{what}");
        desk.run(&["status"]).expect(1).says(&["the store of runs cannot be used"]);
    }
}

#[test]
fn a_store_that_is_gone_is_begun_anew_and_nothing_is_made_twice() {
    let Some(desk) = delivered() else { return };
    for file in ["terrace.db", "terrace.db-wal", "terrace.db-shm"] {
        let _ = fs::remove_file(desk.home(file));
    }
    let changes = desk.changes_of(|| {
        drop(desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["Run 1 in dev succeeded: 1 unchanged"]));
    });
    assert_eq!(changes, [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    fs::write(desk.folder().join(".terrace"), "a file\n").unwrap();
    desk.run(&["deliver", "--to", "dev", "side"]).expect(1).says(&["cannot use ", ".terrace"]);
    assert_eq!(fs::read_to_string(desk.folder().join(".terrace")).unwrap(), "a file\n");
    desk.ok(&["list"]);
    desk.ok(&["validate"]);
}

#[test]
fn a_work_folder_that_is_lost_is_made_again() {
    let Some(desk) = delivered() else { return };
    fs::remove_dir_all(desk.home("work")).unwrap();
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
    // Half of one, too.
    fs::remove_dir_all(desk.home("work/dev/side/tree/stacks/side/.terraform")).unwrap();
    fs::write(desk.home("work/dev/side/tree/stacks/side/main.tf"), "resource {").unwrap();
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn a_state_that_moved_is_not_built_anew() {
    let Some(desk) = delivered() else { return };
    let before = desk.changes();
    desk.edit(
        "terrace.hcl",
        "state \"local\" {}",
        "state \"local\" {\n    path = \"/tmp/none/${env.name}/${stack.name}.tfstate\"\n  }",
    );
    desk.commit("Keep states elsewhere");
    desk.run(&["deliver", "--to", "dev", "--again", "side"]).expect(1).says(&[
        "the place of the state of side in dev has changed",
        "from an empty state Terraform would build everything a second time",
        "Move the state to its new place",
    ]);
    assert_eq!(desk.changes(), before);
    desk.repository().git(&["revert", "--no-edit", "HEAD"]);
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn a_state_that_was_moved_as_the_help_says_is_gone_on_with() {
    let Some(desk) = delivered() else { return };
    desk.edit(
        "terrace.hcl",
        "state \"local\" {}",
        "state \"local\" {\n    path = \".terrace/moved/${env.name}/${stack.name}.tfstate\"\n  }",
    );
    desk.commit("Keep states elsewhere");
    let remove = format!("then remove {} and deliver again", desk.home("work/dev/side").display());
    desk.run(&["deliver", "--to", "dev", "--again", "side"]).expect(1).says(&[&remove]);
    fs::create_dir_all(desk.home("moved/dev")).unwrap();
    fs::rename(desk.home("state/dev/side.tfstate"), desk.home("moved/dev/side.tfstate")).unwrap();
    fs::remove_dir_all(desk.home("work/dev/side")).unwrap();
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn no_secret_is_left_in_the_folder_or_open_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let Some(desk) = delivered() else { return };
    let mode = fs::metadata(desk.home("")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "others can look into .terrace");
    for file in ["work/dev/side/plan.tfplan", "work/dev/side/inputs.tfvars.json"] {
        assert!(!desk.home(file).exists(), "{file} is left");
    }
}

#[test]
fn a_delivery_that_cannot_begin_is_no_run() {
    let Some(desk) = delivered() else { return };
    fs::write(desk.home("sandbox.db"), "garbage, and no database\n".repeat(1000)).unwrap();
    for file in ["sandbox.db-wal", "sandbox.db-shm"] {
        let _ = fs::remove_file(desk.home(file));
    }
    desk.run(&["deliver", "--to", "dev", "side"])
        .expect(1)
        .says(&["the sandbox cloud cannot be started", "sandbox.db"]);
    let runs = desk.json(&["run", "list", "--json"])["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 1, "{runs:#}");
    desk.run(&["sandbox", "show"]).expect(2).says(&["sandbox.db"]);
}

#[test]
fn a_state_that_somebody_else_has_locked_is_told_as_such() {
    let Some(desk) = delivered() else { return };
    // As another Terraform does it: a lock of the operating system on the state's file.
    let state = fs::File::options().read(true).write(true).open(desk.home("state/dev/side.tfstate")).unwrap();
    rustix::fs::fcntl_lock(&state, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    desk.run(&["deliver", "--to", "dev", "--again", "--lock-timeout", "1", "side"]).expect(1).says(&[
        "✗ side",
        "acquiring the state lock",
        "help: ",
        "Wait for it",
    ]);
    drop(state);
    desk.ok(&["deliver", "--to", "dev", "--again", "side"]).says(&["1 unchanged"]);
}

#[test]
fn a_stack_that_left_the_estate_but_still_runs_is_not_forgotten() {
    let Some(desk) = delivered() else { return };
    desk.repository().git(&["rm", "-rq", "stacks/side"]);
    desk.commit("Remove");
    desk.ok(&["list", "--affected", "HEAD~1"]);
    let status = desk.ok(&["status"]).stdout;
    assert!(status.contains("side (removed)"), "{status}");
    let changes =
        desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "--affected", "HEAD~1"]).says(&["side"])));
    assert_eq!(changes, [""; 0], "nothing is destroyed for a folder that is gone");
}
