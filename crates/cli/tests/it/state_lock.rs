//! Locks on states: somebody else's is waited for and named, and never released; what a Terraform of our own left which died is. Older
//! Terraforms' `http` backend tells who could not lock in place of who has locked: there nobody is taken for the holder.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::fs::{FlockOperation, fcntl_lock};
use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::blocked::{self, kill_in_mid_apply, kill_terraforms, let_go, times_made};
use crate::desk::{Desk, wait_until};
use crate::state_server::StateServer;

const PATH: &str = "/dev/slow";

/// The blocked estate, with its state on a server.
fn estate(terraform: &Path) -> (StateServer, Desk) {
    let desk = blocked::estate_for(terraform);
    let server = StateServer::start();
    desk.edit("terrace.hcl", "state \"local\" {}", &server.block());
    desk.commit("States on a server");
    (server, desk)
}

/// Whether a Terraform's `http` backend tells who has locked a state: 1.11 does not, 1.15 does.
fn tells_the_holder(terraform: &Path) -> bool {
    let told = Command::new(terraform).args(["version", "-json"]).env_remove("TF_CLI_CONFIG_FILE").output();
    let told: Json = serde_json::from_slice(&told.expect("it runs").stdout).expect("JSON");
    let mut parts =
        told["terraform_version"].as_str().expect("a version").split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next(), parts.next()) >= (Some(1), Some(15))
}

fn locks_released(desk: &Desk) -> usize {
    let log = desk.json(&["ledger", "log", "--kind", "lock_released", "--json"]);
    log["entries"].as_array().unwrap().len()
}

#[test]
fn a_lock_is_waited_for_and_named_by_its_id() {
    for terraform in tools::terraforms() {
        let (server, desk) = estate(&terraform);
        server.lock(PATH, "bob@elsewhere");
        let_go(&desk);
        let terrace = desk.start(&["deliver"]);
        wait_until("it has tried twice", || server.refused() > 1);
        server.unlock(PATH);
        let done = terrace.wait().expect(0).says(&["waiting for the state of dev/slow: locked", "lock 8a2c7a4e-"]);
        assert_eq!(done.stderr.contains("locked by bob@elsewhere"), tells_the_holder(&terraform), "{done}");
        assert_eq!(done.stderr.matches("waiting for the state").count(), 1, "{done}");
        assert_eq!((locks_released(&desk), server.lock_of(PATH)), (0, Json::Null));
    }
}

#[test]
fn the_wait_for_a_lock_ends_with_which_it_is() {
    let Some(terraform) = tools::terraform() else { return };
    let (server, desk) = estate(&terraform);
    server.lock(PATH, "bob@elsewhere");
    desk.run(&["deliver", "--lock-timeout", "1"]).expect(1).says(&["slow  failed", "already locked: ID=8a2c7a4e-"]);
    assert_eq!((times_made(&desk), locks_released(&desk)), (0, 0));
    assert!(server.lock_of(PATH).is_object(), "it is not ours");
}

#[test]
fn after_a_crash_a_lock_is_released_only_where_it_is_told_whose_it_is() {
    for terraform in tools::terraforms() {
        let (server, desk) = estate(&terraform);
        kill_in_mid_apply(&desk, &["deliver"]);
        kill_terraforms(&desk);
        assert!(server.lock_of(PATH).is_object());
        let resumed = desk.run(&["resume", "--lock-timeout", "1"]);
        if tells_the_holder(&terraform) {
            resumed.expect(0).says(&["released the lock", "Terrace's own had left it when it died", "slow  applied"]);
            assert_eq!((locks_released(&desk), server.lock_of(PATH)), (1, Json::Null));
        } else {
            resumed.expect(1).says(&["waiting for the state of dev/slow: locked (lock "]);
            assert_eq!(locks_released(&desk), 0);
            server.unlock(PATH);
            desk.ok(&["deliver"]).says(&["slow  applied"]);
        }
        desk.ok(&["ledger", "verify"]);
    }
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
