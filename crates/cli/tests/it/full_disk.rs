//! A disk that fills up while a run is being recorded: the database lies on a file system of 1 MB then, which is filled while
//! Terraform applies. Owns that file system: it is mounted in a namespace of its own and goes with it.

use std::fs;
use std::process::Command;

use terrace_testkit::tools;

use crate::desk::{Desk, Done, TERRACE};
use crate::small;

/// Mounts `$1`, puts the database there, delivers, fills the disk in mid-apply, makes room again, and delivers once more.
const SCRIPT: &str = r#"
set -eu
disk=$1 home=$2 terrace=$3 results=$4
mount -t tmpfs -o size=1m none "$disk"
ln -s "$disk/terrace.db" "$home/terrace.db"
"$terrace" deliver side > "$results/1.stdout" 2> "$results/1.stderr" &
delivery=$!
log=$home/runs/1/side.apply.jsonl
tries=0
until grep -q apply_start "$log" 2> /dev/null || [ "$tries" -gt 1200 ]; do sleep 0.05; tries=$((tries + 1)); done
cat /dev/zero > "$disk/filler" 2> /dev/null || true
code=0; wait "$delivery" || code=$?
echo "$code" > "$results/1.code"
rm "$disk/filler"
code=0; "$terrace" deliver side > "$results/2.stdout" 2> "$results/2.stderr" || code=$?
echo "$code" > "$results/2.code"
code=0; "$terrace" run show 1 > "$results/3.stdout" 2> "$results/3.stderr" || code=$?
echo "$code" > "$results/3.code"
"#;

/// Whether this machine lets a test mount something for itself.
fn can_mount() -> bool {
    let Some(unshare) = tools::found_on_path("unshare") else { return false };
    let folder = tempfile::tempdir().unwrap();
    let mount = ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none"];
    let output = Command::new(unshare).args(mount).arg(folder.path()).output();
    output.is_ok_and(|output| output.status.success())
}

fn result(desk: &Desk, number: u8) -> Done {
    let read =
        |what: &str| fs::read_to_string(desk.repository().beside("results").join(format!("{number}.{what}"))).unwrap();
    Done { code: read("code").trim().parse().ok(), stdout: read("stdout"), stderr: read("stderr") }
}

#[test]
fn a_full_disk_stops_the_run_and_what_is_not_recorded_is_said() {
    let Some(terraform) = tools::terraform() else { return };
    if !can_mount() {
        if rustix::process::geteuid().is_root() {
            tools::left_out("`unshare --map-root-user --mount` does not work here");
        } else {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                b"\nLEFT OUT: full_disk: no namespaces for this user\n",
            );
        }
        return;
    }
    let desk = small::estate(&terraform);
    desk.ok(&["sandbox", "latency", "0.5"]);
    let (disk, results) = (desk.repository().beside("disk"), desk.repository().beside("results"));
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&results).unwrap();
    let mut command = Command::new(tools::program("unshare"));
    command.args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"]);
    command.arg(&disk).arg(desk.home("")).arg(TERRACE).arg(&results);
    desk.surround(&mut command);
    // The script wants the machine's programs beside the desk's own Terraform.
    let outside =
        [desk.bin(), "/usr/local/sbin".into(), "/usr/sbin".into(), "/usr/bin".into(), "/sbin".into(), "/bin".into()];
    command.env("PATH", std::env::join_paths(outside).unwrap());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let full = result(&desk, 1).expect(1).says(&[
        "the run could not be recorded",
        "full",
        "not recorded: side: applied",
        "Make room on the disk",
        "deliver again",
    ]);
    assert!(!full.stderr.contains("panicked"), "{full}");
    result(&desk, 2).expect(0).says(&["run 1 ended without", "side in apply", "Run 2 in dev succeeded: 1 unchanged"]);
    assert!(result(&desk, 3).expect(0).stdout.contains("abandoned"));
    assert_eq!(desk.changes(), ["create dev/side bucket side-dev"]);
}
