//! Deliveries that are cut off: by an interrupt, by the death of Terraform, by the death of Terrace. Each time the next delivery
//! goes to the end, and nothing is made twice.

use std::fs;
use std::path::Path;

use terrace_testkit::tools;

use crate::desk::{Desk, Signal, send, wait_until};
use crate::small;

/// A bucket takes a second and a half then: long enough to act while one is being made, also on a busy machine.
const SLOW: &str = "0.5";

/// The small estate, in which `side` makes two buckets, one after the other. The second is being made when `work` begins.
fn in_mid_apply(terraform: &Path, arguments: &[&str], work: impl FnOnce(&Desk, crate::desk::Started)) -> Desk {
    let desk = small::estate(terraform);
    desk.write(
        "stacks/side/second.tf",
        "resource \"sandbox_aws_bucket\" \"second\" {\n  name = \"second-${sandbox_aws_bucket.this.name}\"\n}\n",
    );
    desk.commit("A second bucket");
    desk.ok(&["sandbox", "latency", SLOW]);
    let terrace = desk.start(&[&["deliver", "--to", "dev"], arguments].concat());
    wait_until("the second bucket is being made", || {
        begun(&desk, 1).iter().any(|address| address == "sandbox_aws_bucket.second")
    });
    work(&desk, terrace);
    desk.ok(&["sandbox", "latency", "0"]);
    desk
}

/// The resources that Terraform began with in `side` in a run, as its own log tells.
fn begun(desk: &Desk, run: u64) -> Vec<String> {
    let log = fs::read_to_string(desk.home(&format!("runs/{run}/dev/side.apply.jsonl"))).unwrap_or_default();
    // The last line may be only half written.
    let messages = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let begun = messages.filter(|message| message["type"] == "apply_start");
    begun.filter_map(|message| Some(message["hook"]["resource"]["addr"].as_str()?.to_owned())).collect()
}

/// The process ids of Terraform at work below the desk.
fn terraforms(desk: &Desk) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let at_work = |pid: &u32| {
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        folder.starts_with(desk.home("work")) && words.split(|byte| *byte == 0).any(|word| word == b"apply")
    };
    processes.filter_map(pid).filter(at_work).collect()
}

/// After whatever happened: a delivery to the end, then nothing is left to do; each bucket was made once.
fn goes_to_the_end(desk: &Desk) {
    desk.ok(&["deliver", "--to", "dev", "--again"]);
    desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["4 unchanged"]);
    let all = ["base-dev", "middle-dev", "second-side-dev", "side-dev", "top-dev"].map(|name| format!("bucket {name}"));
    assert_eq!(desk.exists(), all);
    let mut made: Vec<_> =
        desk.calls().into_iter().filter(|call| call.operation == "create" && call.outcome != "abandoned").collect();
    assert!(made.iter().all(|call| call.outcome == "done"), "{made:#?}");
    made.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(made.windows(2).all(|pair| pair[0].name != pair[1].name), "made twice: {made:#?}");
}

#[test]
fn an_interrupt_lets_terraform_finish_what_it_has_begun() {
    for terraform in tools::terraforms() {
        let desk = in_mid_apply(&terraform, &["-j", "1", "side", "top", "--upstream"], |desk, terrace| {
            terrace.signal(Signal::INT);
            terrace.wait().expect(1).says(&[
                "! stopping: Terraform has been asked to stop, and is waited for. Nothing new is started.",
                "side    interrupted in apply",
                "not started: the run was stopped",
                "Run 1 in dev interrupted: ",
                "deliver again to go on from there",
            ]);
            assert_eq!(terraforms(desk), [0_u32; 0]);
        });
        let run = desk.json(&["run", "show", "--json"]);
        assert_eq!((&run["id"], &run["outcome"]), (&1.into(), &"interrupted".into()));
        let state = fs::read_to_string(desk.home("state/dev/side.tfstate")).expect("Terraform wrote it");
        assert!(state.contains("\"side-dev\""), "what was finished is in the state:\n{state}");
        goes_to_the_end(&desk);
    }
}

#[test]
fn the_interrupt_of_a_terminal_reaches_terraform_once() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = in_mid_apply(&terraform, &["side"], |_, terrace| {
        // As a terminal does on Ctrl-C: to everybody in the group.
        let group = rustix::process::Pid::from_raw(i32::try_from(terrace.pid()).unwrap()).unwrap();
        rustix::process::kill_process_group(group, Signal::INT).unwrap();
        terrace.wait().expect(1).says(&["interrupted in apply"]);
    });
    let log = fs::read_to_string(desk.home("runs/1/dev/side.apply.jsonl")).unwrap();
    assert!(!log.contains("Two interrupts"), "{log}");
    goes_to_the_end(&desk);
}

#[test]
fn a_second_interrupt_does_not_reach_terraform() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = in_mid_apply(&terraform, &["side"], |_, terrace| {
        terrace.signal(Signal::INT);
        std::thread::sleep(std::time::Duration::from_millis(100));
        terrace.signal(Signal::TERM);
        terrace.wait().expect(1).says(&["still waiting for Terraform", "interrupted in apply"]);
    });
    let log = fs::read_to_string(desk.home("runs/1/dev/side.apply.jsonl")).unwrap();
    assert!(!log.contains("Two interrupts"), "{log}");
    goes_to_the_end(&desk);
}

#[test]
fn a_terraform_that_was_killed_is_a_failure_and_the_next_delivery_goes_on() {
    for terraform in tools::terraforms() {
        let desk = in_mid_apply(&terraform, &[], |desk, terrace| {
            let log = desk.home("runs/1/dev/side.apply.jsonl");
            let killed = terraforms(desk).into_iter().find(|pid| writes_to(*pid, &log)).expect("Terraform is at work");
            send(killed, Signal::KILL);
            terrace.wait().expect(1).says(&[
                "✗ side    failed in apply",
                "terraform apply was killed by signal 9",
                "What it had finished is in the state",
                "✓ top     applied",
                "Run 1 in dev failed: 3 applied, 1 failed",
            ]);
        });
        goes_to_the_end(&desk);
    }
}

/// Whether a process has a file open as its standard output.
fn writes_to(pid: u32, file: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/fd/1")).is_ok_and(|open| open == file)
}

#[test]
fn a_terrace_that_was_killed_is_noticed_and_the_next_delivery_goes_on() {
    for terraform in tools::terraforms() {
        let desk = in_mid_apply(&terraform, &["side"], |desk, terrace| {
            terrace.signal(Signal::KILL);
            assert_eq!(terrace.wait().code, None);
            let run = desk.json(&["run", "list", "--json"])["runs"][0].clone();
            assert_eq!((&run["outcome"], &run["finished_at"]), (&"abandoned".into(), &serde_json::Value::Null));
            // It outlives Terrace for a moment, and its state is locked as long.
            wait_until("Terraform has ended", || terraforms(desk).is_empty());
        });
        desk.ok(&["deliver", "--to", "dev"])
            .says(&["warning: run 1 ended without a word: Terrace was killed.", "side in apply"]);
        let run = desk.json(&["run", "show", "1", "--json"]);
        assert_eq!((&run["outcome"], &run["instances"][0]["state"]), (&"abandoned".into(), &"abandoned".into()));
        goes_to_the_end(&desk);
    }
}

#[test]
fn what_a_killed_terrace_left_at_work_is_not_worked_against() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = in_mid_apply(&terraform, &["side"], |desk, terrace| {
        terrace.signal(Signal::KILL);
        terrace.wait();
        // Without waiting: either Terraform has let go of the state by now, or it is said who has it.
        let done = desk.run(&["deliver", "--to", "dev", "side"]).says(&["run 1 ended without a word"]);
        if done.code != Some(0) {
            done.expect(1).says(&["state lock", "Wait for it"]);
        }
        wait_until("Terraform has ended", || terraforms(desk).is_empty());
    });
    goes_to_the_end(&desk);
}
