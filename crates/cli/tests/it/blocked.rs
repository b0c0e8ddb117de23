//! An estate of one stack whose apply does not end before the test says so: `first` is made, then `second` waits for a file. Owns what is
//! known of that apply from the outside.

use std::fs;
use std::path::{Path, PathBuf};

use terrace_testkit::tools;

use crate::desk::{Desk, Signal, send, wait_until};

const FILES: &str = r#"
//- terrace.hcl
estate "blocked" {
  state "local" {}
}
environment "dev" {}
pipeline {
  stage "dev" { environment = "dev" }
}
//- stacks/slow/stack.hcl
stack "slow" {}
//- stacks/slow/main.tf
resource "terraform_data" "first" {
  input = "one"
}
resource "terraform_data" "second" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "echo made >> BESIDE/made; while [ ! -e BESIDE/go ]; do /bin/sleep 0.05; done"
  }
}
"#;

/// The estate, committed.
pub(crate) fn estate() -> Option<Desk> {
    Some(estate_for(&tools::terraform()?))
}

/// The same, for a Terraform.
pub(crate) fn estate_for(terraform: &Path) -> Desk {
    let desk = Desk::empty(terraform);
    let beside = desk.repository().beside("tmp");
    desk.write_all(&FILES.replace("BESIDE", beside.to_str().expect("UTF-8")));
    desk.commit("Begin");
    desk
}

/// How often `second` was begun.
pub(crate) fn times_made(desk: &Desk) -> usize {
    fs::read_to_string(desk.repository().beside("tmp").join("made")).unwrap_or_default().lines().count()
}

/// Lets the apply go on.
pub(crate) fn let_go(desk: &Desk) {
    fs::write(desk.repository().beside("tmp").join("go"), "").expect("a writable folder");
}

/// Starts a `terrace`, waits until `second` is being made, and kills it. Terraform lives on.
pub(crate) fn kill_in_mid_apply(desk: &Desk, arguments: &[&str]) {
    let terrace = desk.start(arguments);
    wait_until("the apply is in the middle", || times_made(desk) == 1);
    terrace.signal(Signal::KILL);
    terrace.wait();
}

/// Kills all Terraforms below the desk.
pub(crate) fn kill_terraforms(desk: &Desk) {
    for pid in terraforms(desk) {
        send(pid, Signal::KILL);
    }
    wait_until("Terraform is gone", || terraforms(desk).is_empty());
    // What it had started ends, too.
    let_go(desk);
}

/// The process ids of Terraform applying below the desk.
pub(crate) fn terraforms(desk: &Desk) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    processes.filter_map(pid).filter(|pid| applies(*pid, &desk.home("work"))).collect()
}

fn applies(pid: u32, folder: &Path) -> bool {
    let at: PathBuf = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    at.starts_with(folder) && words.split(|byte| *byte == 0).any(|word| word == b"apply")
}

/// The state of the instance in the newest run.
pub(crate) fn state(desk: &Desk) -> String {
    let run = desk.json(&["run", "show", "--json"]);
    run["instances"][0]["state"].as_str().expect("a word").to_owned()
}
