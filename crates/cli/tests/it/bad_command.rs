//! Names on the command line that are nobody's, readers that go away, and an environment that is none of ours.

use std::process::Stdio;

use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use crate::desk::{Desk, Done};
use crate::{harbour, small};

fn estate() -> Desk {
    let desk = Desk::at(Repository::empty());
    desk.write_all(small::FILES);
    desk.commit("Begin");
    desk
}

#[test]
fn unknown_names_are_answered_with_near_ones() {
    let desk = estate();
    for (arguments, texts) in [
        (&["deliver", "--to", "dev", "midle"][..], ["no stack is called `midle`", "Did you mean `middle`?"]),
        (&["list", "sied"], ["no stack is called `sied`", "Did you mean `side`?"]),
        (&["plan", "--env", "tset"], ["there is no environment `tset`", "Did you mean `test`?"]),
        (&["deliver", "--stage", "pord"], ["there is no stage `pord`", "Did you mean `prod`?"]),
        (&["deliver", "--to", "dev", "--commit", "v1.0"], ["v1.0", "help"]),
        (&["run", "show", "7"], ["there is no run 7", "terrace run list"]),
        (&["deliver", "--to", "dev", "["], ["`[` is not a glob", ""]),
    ] {
        let done = desk.run(arguments).expect(2).says(&texts);
        assert_eq!(done.stdout, "", "{arguments:?}");
    }
    desk.run(&["deliver", "--to", "dev", "nothing-like-it"])
        .expect(2)
        .says(&["no stack is called `nothing-like-it`", "help: "]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = harbour::estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "backups"]);
    for arguments in [&["list"][..], &["list", "--json"], &["status"], &["completions", "bash"]] {
        let mut child = desk.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = Done::of(child.wait_with_output().unwrap());
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_delivery_goes_on_when_nobody_listens() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let mut child =
        desk.command(&["deliver", "--to", "dev"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(desk.exists().len(), 4);
}

#[test]
fn stray_variables_change_nothing() {
    let Some(terraform) = tools::terraform() else { return };
    let mut desk = small::delivered(&terraform);
    for (name, value) in [
        ("TF_VAR_name", "stray"),
        ("TF_VAR_colour", "stray"),
        ("TF_WORKSPACE", "stray"),
        ("TF_CLI_ARGS", "-destroy"),
        ("TF_CLI_ARGS_plan", "-destroy"),
        ("TF_DATA_DIR", "/nowhere"),
        ("TF_REATTACH_PROVIDERS", "{}"),
        ("TF_CLI_CONFIG_FILE", "/nowhere/terraformrc"),
        ("TF_INPUT", "1"),
        ("TF_LOG", ""),
    ] {
        desk.set(name, value);
    }
    let changes = desk.changes_of(|| {
        let done = desk.ok(&["deliver", "--to", "dev", "--again"]).says(&["4 unchanged"]);
        assert!(!done.stderr.contains("warning"), "{done}");
    });
    assert_eq!(changes, [""; 0]);
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let desk = estate();
    // Without a terminal there are none: `Done` looks at every output. On request there are.
    let output = desk.command(&["list", "--color", "always"]).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains('\u{1b}'));
    desk.ok(&["list", "--color", "never"]);
}
