//! Disks that are full or cannot be written. Owns the file systems that play them: they are mounted in a namespace of their own, and
//! go with it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use terrace_testkit::tools;

use crate::desk::{Desk, Done, TERRACE};
use crate::small;

/// Puts the database on a disk of 1 MB, delivers, fills the disk in mid-apply, makes room again, and delivers once more.
const FULL: &str = r#"
mount -t tmpfs -o size=1m none "$disk"
ln -s "$disk/terrace.db" "$home/terrace.db"
"$terrace" deliver --to dev side > "$results/1.stdout" 2> "$results/1.stderr" &
delivery=$!
log=$home/runs/1/dev/side.apply.jsonl
tries=0
until grep -q apply_start "$log" 2> /dev/null || [ "$tries" -gt 1200 ]; do sleep 0.05; tries=$((tries + 1)); done
cat /dev/zero > "$disk/filler" 2> /dev/null || true
code=0; wait "$delivery" || code=$?
echo "$code" > "$results/1.code"
rm "$disk/filler"
record 2 deliver --to dev --again side
record 3 run show 1
"#;

/// Makes `.terrace` a place that nobody can write to, and tries what can be tried.
const READ_ONLY: &str = r#"
mount --bind "$home" "$home"
mount -o remount,bind,ro "$home"
record 1 deliver --to dev side
record 2 plan side
record 3 status
record 4 list
"#;

/// What every script begins with.
const BEGINNING: &str = r#"
set -eu
disk=$1 home=$2 terrace=$3 results=$4
record() {
    number=$1; shift
    code=0; "$terrace" "$@" > "$results/$number.stdout" 2> "$results/$number.stderr" || code=$?
    echo "$code" > "$results/$number.code"
}
"#;

/// Runs a script in a namespace where it may mount; returns how each `terrace` in it ended, in order. `None` where this machine lets
/// nobody do that, which is said.
fn in_namespace(desk: &Desk, script: &str) -> Option<Vec<Done>> {
    if !can_mount() {
        let why = "`unshare --map-root-user --mount` does not work here";
        if rustix::process::geteuid().is_root() {
            tools::left_out(why);
        } else {
            tools::say_left_out(why);
        }
        return None;
    }
    let (medium, results) = (desk.repository().beside("disk"), desk.repository().beside("results"));
    fs::create_dir(&medium).unwrap();
    fs::create_dir(&results).unwrap();
    let mut command = Command::new(tools::program("unshare"));
    command.args(["--map-root-user", "--mount", "sh", "-c", &format!("{BEGINNING}{script}"), "sh"]);
    command.arg(medium).arg(desk.home("")).arg(TERRACE).arg(&results);
    desk.surround(&mut command);
    // The script wants the machine's programs beside the desk's own Terraform.
    let machine = ["/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
    command.env("PATH", std::env::join_paths([desk.bin()].into_iter().chain(machine)).unwrap());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |number: usize, what: &str| fs::read_to_string(results.join(format!("{number}.{what}")));
    let done = |number| {
        let code = read(number, "code").ok()?.trim().parse().ok();
        let done = Done { code, stdout: read(number, "stdout").ok()?, stderr: read(number, "stderr").ok()? };
        assert!(!done.stderr.contains("panicked"), "{done}");
        Some(done)
    };
    Some((1..).map_while(done).collect())
}

/// Whether this machine lets a test mount something for itself.
fn can_mount() -> bool {
    let Some(unshare) = tools::found_on_path("unshare") else { return false };
    let folder = tempfile::tempdir().unwrap();
    let mount = ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none"];
    let output = Command::new(unshare).args(mount).arg(folder.path()).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_stops_the_run_and_what_is_not_recorded_is_said() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "latency", "0.5"]);
    let Some(done) = in_namespace(&desk, FULL) else { return };
    let [full, again, first] = done.try_into().expect("three");
    full.expect(1).says(&[
        "the run could not be recorded",
        "full",
        "not recorded: side: applied",
        "Make room on the disk",
        "deliver again",
    ]);
    again.expect(0).says(&["run 1 ended without", "side in apply", "Run 2 in dev succeeded: 1 unchanged"]);
    assert!(first.expect(0).stdout.contains("abandoned"));
    assert_eq!(desk.changes(), ["create dev/side bucket side-dev"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_nothing_is_done() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "base"]);
    let Some(done) = in_namespace(&desk, READ_ONLY) else { return };
    let [deliver, plan, status, list] = done.try_into().expect("four");
    deliver.expect(1).says(&["error: ", ".terrace"]);
    plan.expect(1).says(&["error: ", ".terrace"]);
    status.expect(1).says(&["the store of runs cannot be used", "terrace.db"]);
    assert!(list.expect(0).stdout.contains("base"));
    assert_eq!(desk.changes(), ["create dev/base bucket base-dev"]);
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 applied"]);
}
