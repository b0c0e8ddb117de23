//! What is around a command: a reader that goes away, a terminal that hangs up, a folder with a strange name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::{Desk, Done, Signal, TERRACE, send, wait_until};
use crate::small;

#[test]
fn a_failure_stays_one_when_nobody_reads_what_is_printed() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "fault", "add", "aws/bucket", "--operation", "create", "--fail", "none left"]);
    let mut child = desk
        .command(&["deliver", "--to", "dev", "side", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = Done::of(child.wait_with_output().unwrap());
    done.expect(1).says(&["side  failed in apply", "Run 1 in dev failed: 1 failed"]);
}

#[test]
fn a_delivery_below_nohup_outlives_the_terminal() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "latency", "0.5"]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" deliver --to dev side", TERRACE]);
    desk.surround(&mut shell);
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("dev is held", || !desk.json(&["status", "--json"])["environments"][0]["held_by"].is_null());
    send(child.id(), Signal::HUP);
    let done = Done::of(child.wait_with_output().unwrap());
    done.expect(0).says(&["Run 1 in dev succeeded: 1 applied"]);
}

#[test]
fn a_folder_whose_name_is_no_text_is_refused() {
    let desk = Desk::at(Repository::empty());
    let folder = desk.folder().join(OsStr::from_bytes(b"estate-\xff"));
    fs::create_dir(&folder).unwrap();
    let run = |arguments| Done::of(desk.command(arguments).arg("-C").arg(&folder).output().unwrap());
    run(&["init"]).expect(2).says(&["is not UTF-8", "Rename the folder"]);
    fs::write(folder.join("terrace.hcl"), "estate \"e\" {}\n").unwrap();
    run(&["list"]).expect(2).says(&["is not UTF-8", "Rename the folder"]);
}

#[test]
fn help_is_a_command_too() {
    let desk = Desk::at(Repository::empty());
    assert_eq!(desk.ok(&["help", "deliver"]).stdout, desk.ok(&["deliver", "--to", "dev", "--help"]).stdout);
    assert_eq!(desk.ok(&["help", "run", "list"]).stdout, desk.ok(&["run", "list", "--help"]).stdout);
}

#[test]
fn a_stack_that_was_taken_for_a_base_is_found_out() {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    let refused = |base| desk.run(&["list", "--affected", base]).expect(2);
    refused("side").says(&["git knows no revision `side`", "`side` is a stack: write it before `--affected`"]);
    refused("stacks/*").says(&["`stacks/*` selects stacks: write it before `--affected`"]);
    let stranger = refused("v9").says(&["git knows no revision `v9`", "Name a branch"]);
    assert!(!stranger.stderr.contains("before `--affected`"), "{stranger}");
}
