//! Locks on states: somebody else's is waited for and named, and never released. Terraform's `http` backend tells who could not lock in place
//! of who has locked: there nobody is taken for the holder.

use std::fs;

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::blocked::{self, kill_in_mid_apply, kill_terraforms, let_go, times_made};
use crate::desk::{Desk, wait_until};
use crate::state_server::StateServer;

const PATH: &str = "/dev/slow";

/// The blocked estate, with its state on a server.
fn estate() -> Option<(StateServer, Desk)> {
    let desk = blocked::estate()?;
    let server = StateServer::start();
    desk.edit("terrace.hcl", "state \"local\" {}", &server.block());
    desk.commit("States on a server");
    Some((server, desk))
}

fn locks_released(desk: &Desk) -> usize {
    let log = desk.json(&["ledger", "log", "--kind", "lock_released", "--json"]);
    log["entries"].as_array().unwrap().len()
}

#[test]
fn a_lock_is_waited_for_and_named_by_its_id() {
    let Some((server, desk)) = estate() else { return };
    server.lock(PATH, "bob@elsewhere");
    let_go(&desk);
    let terrace = desk.start(&["deliver"]);
    wait_until("it has tried twice", || server.refused() > 1);
    server.unlock(PATH);
    let done = terrace.wait().expect(0).says(&["waiting for the state of dev/slow: locked (lock 8a2c7a4e-"]);
    assert_eq!(done.stderr.matches("waiting for the state").count(), 1, "{done}");
    assert_eq!((locks_released(&desk), server.lock_of(PATH)), (0, serde_json::Value::Null));
}

#[test]
fn the_wait_for_a_lock_ends_with_which_it_is() {
    let Some((server, desk)) = estate() else { return };
    server.lock(PATH, "bob@elsewhere");
    desk.run(&["deliver", "--lock-timeout", "1"]).expect(1).says(&["slow  failed", "already locked: ID=8a2c7a4e-"]);
    assert_eq!((times_made(&desk), locks_released(&desk)), (0, 0));
    assert!(server.lock_of(PATH).is_object(), "it is not ours");
}

#[test]
fn a_lock_of_which_it_is_not_told_whose_it_is_is_not_released_after_a_crash() {
    let Some((server, desk)) = estate() else { return };
    kill_in_mid_apply(&desk, &["deliver"]);
    kill_terraforms(&desk);
    assert!(server.lock_of(PATH).is_object());
    desk.run(&["resume", "--lock-timeout", "1"]).expect(1).says(&["waiting for the state of dev/slow: locked (lock "]);
    assert_eq!(locks_released(&desk), 0);
    server.unlock(PATH);
    desk.ok(&["deliver"]).says(&["slow  applied"]);
    desk.ok(&["ledger", "verify"]);
}

#[test]
fn who_has_locked_a_local_state_is_named() {
    let Some(desk) = blocked::estate() else { return };
    let folder = desk.home("state/dev");
    fs::create_dir_all(&folder).unwrap();
    // As Terraform does it: a lock of the operating system on the state, and beside it who has it.
    let state = fs::File::create(folder.join("slow.tfstate")).unwrap();
    fcntl_lock(&state, FlockOperation::NonBlockingLockExclusive).unwrap();
    let info = r#"{"ID":"8a2c7a4e","Operation":"OperationTypeApply","Who":"bob@elsewhere","Version":"1.11.4","Created":"2026-11-24T19:05:10Z"}"#;
    fs::write(folder.join(".slow.tfstate.lock.info"), info).unwrap();
    let waiting = "waiting for the state of dev/slow: locked by bob@elsewhere since 2026-11-24";
    desk.run(&["deliver", "--lock-timeout", "1"]).expect(1).says(&[waiting, "OperationTypeApply, lock 8a2c7a4e"]);
    assert_eq!(locks_released(&desk), 0);
    drop(state);
    let_go(&desk);
    desk.ok(&["deliver"]).says(&["slow  applied"]);
}
