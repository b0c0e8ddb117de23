//! Checks after an apply: commands, requests, outputs, `terraform test`, and Terraform's own `check` blocks. What fails is no evidence, and
//! nothing rests on it.

mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value as Json;
use terrace_testkit::repository::Repository;
use terrace_testkit::tools;

use self::server::Server;
use crate::deliver::states;
use crate::desk::{Desk, Signal, wait_until};
use crate::small;

/// The small estate, with these blocks in the `stack` block of `base` and these outputs in its code.
fn estate(terraform: &Path, blocks: &str, outputs: &str) -> Desk {
    let desk = small::estate(terraform);
    desk.edit("stacks/base/stack.hcl", "stack \"base\" {\n", &format!("stack \"base\" {{\n{blocks}\n"));
    desk.write("stacks/base/more.tf", outputs);
    desk.commit("Check");
    desk
}

/// A check that runs a script in a shell, and is tried once.
fn script(name: &str, script: &str) -> String {
    let script = Json::from(script).to_string().replace("${", "$${");
    format!("check \"{name}\" {{\n  command = [\"/bin/sh\", \"-c\", {script}]\n  within = \"0s\"\n}}\n")
}

fn failure(desk: &Desk, stack: &str) -> Json {
    let run = desk.json(&["run", "show", "--json"]);
    let mut instances = run["instances"].as_array().unwrap().iter();
    instances.find(|one| one["stack"] == stack).unwrap()["failure"].clone()
}

fn state(desk: &Desk, stack: &str) -> String {
    let run = desk.json(&["run", "show", "--json"]);
    states(&run).into_iter().find(|(name, _)| name == stack).unwrap().1
}

/// How many statements are attached to the release of a stack that it was applied.
fn evidence(desk: &Desk, stack: &str) -> usize {
    let entries = desk.json(&["ledger", "log", "--stack", stack, "--kind", "instance_verified", "--json"]);
    let verified = entries["entries"].as_array().unwrap().len();
    let enters = desk.run(&["deliver", "--env", "test", stack]);
    let is_let_in = !enters.stderr.contains("no evidence that this release succeeded in dev");
    assert_eq!(is_let_in, verified > 0, "{enters}");
    verified
}

#[test]
fn a_command_works_in_the_stacks_folder_and_reads_its_outputs() {
    for terraform in tools::terraforms() {
        let secret = "output \"token\" {\n  value     = \"hush-hush\"\n  sensitive = true\n}\noutput \"none\" {\n  value = null\n}\n";
        let reads = "read -r outputs < \"$TERRACE_OUTPUTS\"\n\
                     case $outputs in *'\"label\":\"one\"'*'\"none\":null'*'\"token\":\"hush-hush\"'*) ;; *) exit 4;; esac\n\
                     [ -f main.tf ] && [ -z \"$TF_VAR_stray\" ] && [ \"$1\" = one/dev/base ]";
        let check = "check \"smoke\" {\n  command = [\"./smoke.sh\", \"${output.label}/${env.name}/${stack.name}\"]\n  within = \"0s\"\n}\n";
        let mut desk = estate(&terraform, check, secret);
        desk.write("stacks/base/smoke.sh", format!("#!/bin/sh\n{reads}\n"));
        let path = desk.repository().root().join("stacks/base/smoke.sh");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        desk.commit("A script");
        desk.set("TF_VAR_stray", "1");

        desk.ok(&["deliver", "--to", "dev", "-v"]).says(&["base    check smoke: holds", "4 applied"]);
        assert!(!desk.home("work/dev/base/outputs.json").exists());
        desk.ok(&["deliver", "--to", "dev"]).says(&["4 current"]);
        assert_eq!(evidence(&desk, "base"), 1);
    }
}

#[test]
fn a_command_that_fails_stops_what_is_downstream_and_is_asked_again_at_the_next_delivery() {
    let Some(terraform) = tools::terraform() else { return };
    let secret = "output \"token\" {\n  value     = \"hush-hush\"\n  sensitive = true\n}\n";
    let checks = script("smoke", "echo looking; echo the token is hush-hush >&2; exit 3");
    let desk = estate(&terraform, &checks, secret);

    let done = desk.run(&["deliver", "--to", "dev"]).expect(1).says(&[
        "· base    verifying",
        "✗ base    failed in verify: 1 added",
        "error: check `smoke` failed: exit code 3",
        "at stacks/base/stack.hcl:2",
        "looking",
        "the token is (sensitive)",
        "help: What was applied stays applied.",
        "- middle  not started: base did not succeed",
        "✓ side    applied",
        "1 applied, 1 failed, 2 not started",
    ]);
    assert!(!done.stderr.contains("hush-hush"), "{done}");
    // What was applied is there, and is kept as a snapshot.
    assert_eq!(desk.exists(), ["bucket base-dev", "bucket side-dev"]);
    let snapshots = desk.json(&["state", "snapshots", "base", "--env", "dev", "--json"]);
    assert_eq!(snapshots["snapshots"].as_array().unwrap().len(), 1, "{snapshots:#}");
    let told = failure(&desk, "base");
    assert_eq!((&told["step"], &told["summary"]), (&"verify".into(), &"check `smoke` failed: exit code 3".into()));
    assert_eq!(evidence(&desk, "base"), 0);
    let ledger = desk.ok(&["ledger", "log", "--json"]).stdout;
    assert!(!ledger.contains("hush-hush"));

    // It has nothing to apply then, and is no evidence either.
    let changes = desk.changes_of(|| {
        drop(
            desk.run(&["deliver", "--to", "dev"])
                .expect(1)
                .says(&["✗ base    failed in verify", "1 current, 1 failed"]),
        );
    });
    assert_eq!(changes, [""; 0]);
    assert_eq!(evidence(&desk, "base"), 0);

    desk.edit("stacks/base/stack.hcl", "exit 3", "exit 0");
    desk.commit("Mend");
    desk.ok(&["deliver", "--to", "dev"]).says(&["= base    unchanged", "✓ middle  applied", "✓ top     applied"]);
    assert_eq!(evidence(&desk, "base"), 1);
}

#[test]
fn what_runs_is_verified_again_after_it_failed_though_the_release_is_the_same() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let flag = desk.repository().beside("flag");
    desk.edit(
        "stacks/side/stack.hcl",
        "stack \"side\" {\n",
        &format!("stack \"side\" {{\n{}\n", script("flag", &format!("[ ! -e '{}' ]", flag.display()))),
    );
    desk.commit("Check");
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 applied"]);
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 current"]);

    fs::write(&flag, "").unwrap();
    // What is current is not looked at without `--again`, and after that failed it is current no more.
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 current"]);
    desk.run(&["deliver", "--to", "dev", "--again", "side"]).expect(1).says(&["✗ side  failed in verify"]);
    desk.run(&["deliver", "--to", "dev", "side"]).expect(1).says(&["✗ side  failed in verify"]);
    fs::remove_file(&flag).unwrap();
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["= side  unchanged"]);
    desk.ok(&["deliver", "--to", "dev", "side"]).says(&["1 current"]);
}

#[test]
fn going_back_after_a_failed_verification_leads_to_what_worked() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform, &script("smoke", "exit 0"), "");
    desk.ok(&["deliver", "--to", "dev", "base"]);
    desk.edit("stacks/base/main.tf", "use = \"base\"", "use = \"more\"");
    desk.edit("stacks/base/stack.hcl", "exit 0", "exit 1");
    desk.commit("Break");
    desk.run(&["deliver", "--to", "dev", "base"]).expect(1).says(&["failed in verify: 0 added, 1 changed"]);

    let changes = desk.changes_of(|| drop(desk.ok(&["rollback", "base", "--env", "dev"]).says(&["1 applied"])));
    assert_eq!(changes, ["update dev/base bucket base-dev"]);
    // What failed is no release to go back to.
    desk.run(&["rollback", "base", "--env", "dev"]).expect(2).says(&["base has no earlier release in dev"]);
}

#[test]
fn a_command_is_tried_until_it_succeeds_and_has_a_limit_of_time() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let seen = desk.repository().beside("seen");
    let comes_up = format!("if [ -e '{0}' ]; then exit 0; fi; echo starting; : > '{0}'; exit 1", seen.display());
    let quoted = Json::from(comes_up).to_string();
    let checks = format!(
        "check \"comes-up\" {{\n  command = [\"/bin/sh\", \"-c\", {quoted}]\n  within = \"2m\"\n}}\n\
         check \"hangs\" {{\n  command = [\"/bin/sh\", \"-c\", \"echo begun; while :; do /bin/sleep 1; done\"]\n  timeout = \"2s\"\n  \
         within = \"0s\"\n}}\n"
    );
    desk.edit("stacks/side/stack.hcl", "stack \"side\" {\n", &format!("stack \"side\" {{\n{checks}\n"));
    desk.commit("Check");
    desk.run(&["deliver", "--to", "dev", "-v", "side"]).expect(1).says(&[
        "· side  check comes-up: not yet: exit code 1, again in 0.5s",
        "· side  check comes-up: holds",
        "error: check `hangs` failed: not done within 2s",
        "begun",
    ]);
}

#[test]
fn a_server_is_asked_until_it_answers_as_it_should() {
    let Some(terraform) = tools::terraform() else { return };
    let server = Server::start(&[(503, "starting\nwith a long story"), (503, ""), (200, "{\"status\": \"up\"}")]);
    let check = "check \"answers\" {\n  http {\n    url     = \"${output.endpoint}/health\"\n    \
                 headers = { Authorization = \"Bearer ${output.token}\" }\n    body    = \"\\\"status\\\": *\\\"up\\\"\"\n  }\n}\n";
    let outputs = format!(
        "output \"endpoint\" {{\n  value = \"{}\"\n}}\noutput \"token\" {{\n  value     = \"hush-hush\"\n  sensitive = true\n}}\n",
        server.address()
    );
    let desk = estate(&terraform, check, &outputs);
    let done = desk.ok(&["deliver", "--to", "dev", "base"]).says(&[
        "· base  check answers: not yet: 503 Service Unavailable, expected 200, again in 0.5s",
        "· base  check answers: not yet: 503 Service Unavailable, expected 200, again in 1.0s",
        "✓ base  applied",
    ]);
    assert!(!done.stderr.contains("hush-hush") && !done.stderr.contains("127.0.0.1"), "{done}");
    assert_eq!(server.asked(), vec!["GET /health Bearer hush-hush"; 3]);
}

#[test]
fn an_answer_that_is_not_as_it_should_be_is_quoted() {
    let Some(terraform) = tools::terraform() else { return };
    let server = Server::start(&[(200, "down for hush-hush\nmore")]);
    let check = "check \"answers\" {\n  http {\n    url  = output.endpoint\n    body = \"^up\"\n  }\n  within = \"0s\"\n}\n\
                 check \"other\" {\n  http {\n    url    = output.endpoint\n    status = [204, 404]\n  }\n  within = \"0s\"\n}\n\
                 check \"nobody\" {\n  http {\n    url = \"http://127.0.0.1:1\"\n  }\n  within = \"0s\"\n}\n";
    let outputs = format!(
        "output \"endpoint\" {{\n  value = \"{}\"\n}}\noutput \"token\" {{\n  value     = \"hush-hush\"\n  sensitive = true\n}}\n",
        server.address()
    );
    let desk = estate(&terraform, check, &outputs);
    desk.run(&["deliver", "--to", "dev", "base"])
        .expect(1)
        .says(&[
            "check `answers` failed: 200 OK, but `^up` is not in the body",
            "down for (sensitive)",
            "check `other` failed: 200 OK, expected 204 or 404",
            "check `nobody` failed: Connection refused",
        ])
        .without(&["more\n", "hush-hush"]);
    assert_eq!(failure(&desk, "base")["summary"], "3 checks failed");
}

#[test]
fn outputs_are_compared_and_their_values_are_not_told() {
    let Some(terraform) = tools::terraform() else { return };
    let checks = "check \"kind\" {\n  output  = \"label\"\n  matches = \"^on\"\n}\n\
                  check \"ports\" {\n  output = \"ports\"\n  equals = [80, 443]\n}\n\
                  check \"label\" {\n  output = \"label\"\n  equals = \"two-${env.name}\"\n}\n";
    let desk = estate(&terraform, checks, "output \"ports\" {\n  value = [80, 443]\n}\n");
    desk.run(&["deliver", "--to", "dev", "base"])
        .expect(1)
        .says(&["check `label` failed: the output `label` has another value than expected", "stacks/base/stack.hcl:10"])
        .without(&["check `kind`", "check `ports`"]);
    desk.edit("stacks/base/stack.hcl", "two-${env.name}", "one");
    desk.commit("Mend");
    desk.ok(&["deliver", "--to", "dev", "base"]).says(&["1 unchanged"]);
}

#[test]
fn terraforms_own_check_blocks_count() {
    for terraform in tools::terraforms() {
        let block = |message: &str| {
            format!(
                "check \"region\" {{\n  assert {{\n    condition     = var.region == \"eu-west-9\"\n    error_message = \"{message}\"\n  }}\n}}\n"
            )
        };
        let desk = estate(&terraform, "", &block("The region is wrong."));
        desk.run(&["deliver", "--to", "dev"]).expect(1).says(&[
            "✗ base    failed in verify: 1 added",
            "error: check.region failed",
            "The region is wrong.",
            "- middle  not started",
        ]);
        // By the plan, where nothing is to be changed.
        desk.run(&["deliver", "--to", "dev", "base"]).expect(1).says(&["error: check.region failed", "1 failed"]);
        // In a module, too.
        desk.write("stacks/base/more.tf", "");
        desk.write("modules/store/check.tf", block("Not in this module.").replace("var.region", "var.name"));
        desk.commit("Move it");
        desk.run(&["deliver", "--to", "dev", "base"])
            .expect(1)
            .says(&["module.store.check.region failed", "Not in this module."]);
        desk.edit("modules/store/check.tf", "== \"eu-west-9\"", "!= \"\"");
        desk.commit("Mend it");
        desk.ok(&["deliver", "--to", "dev"]).says(&["= base    unchanged", "✓ top     applied"]);
    }
}

#[test]
fn check_blocks_of_modules_from_elsewhere_count_as_well() {
    let Some(terraform) = tools::terraform() else { return };
    let block = "locals {\n  up = false\n}\ncheck \"far\" {\n  assert {\n    condition     = local.up\n    error_message = \"Far away.\"\n  }\n}\n";
    let module = Repository::with_files(&[("main.tf", block)]);
    module.git(&["tag", "v1"]);
    let mut desk = small::estate(&terraform);
    // Git fetches with scripts, which want the programs of a usual machine.
    desk.set("PATH", format!("{}:/usr/bin:/bin", desk.bin().display()));
    let source = format!("git::file://{}?ref=v1", module.root().display());
    desk.write("stacks/base/far.tf", format!("module \"far\" {{\n  source = \"{source}\"\n}}\n"));
    desk.commit("Call a module");
    for begun in ["· base    applying", "✗ base    failed in verify"] {
        desk.run(&["deliver", "--to", "dev"])
            .expect(1)
            .says(&[begun, "failed in verify", "error: Check block assertion failed", "Far away."])
            .says(&["- middle  not started"]);
        assert_eq!(evidence(&desk, "base"), 0);
    }
}

#[test]
fn what_terraform_can_tell_only_while_it_applies_is_passed_over_otherwise() {
    for terraform in tools::terraforms() {
        let block = "locals {\n  begin = \"2020-01-01T00:00:00Z\"\n}\ncheck \"time\" {\n  assert {\n    condition     = timecmp(timestamp(), local.begin) > 0\n    \
                     error_message = \"Too early.\"\n  }\n}\n";
        let desk = estate(&terraform, "", block);
        desk.ok(&["deliver", "--to", "dev", "base"])
            .says(&["· base  verifying", "✓ base  applied"])
            .without(&["not known"]);
        desk.ok(&["deliver", "--to", "dev", "--again", "base"])
            .says(&["· base  check check.time: not known, since nothing was applied", "= base  unchanged"]);
    }
}

/// A test file whose only run compares an output of a plan.
fn test_file(expected: &str) -> String {
    format!(
        "run \"label\" {{\n  command = plan\n  assert {{\n    condition     = output.label == \"{expected}\"\n    \
         error_message = \"The label is another.\"\n  }}\n}}\n"
    )
}

#[test]
fn terraforms_own_tests_are_run_with_the_inputs() {
    for terraform in tools::terraforms() {
        let desk = estate(&terraform, "check \"tests\" {\n  terraform_test = true\n}\n", "");
        desk.write("stacks/base/tests/label.tftest.hcl", test_file("two"));
        desk.commit("Test");
        desk.run(&["deliver", "--to", "dev"]).expect(1).says(&[
            "✗ base    failed in verify: 1 added",
            "check `tests` failed: `label` of tests/label.tftest.hcl failed",
            "at stacks/base/tests/label.tftest.hcl:",
            "The label is another.",
        ]);
        desk.write("stacks/base/tests/label.tftest.hcl", test_file("one"));
        desk.commit("Mend");
        let changes =
            desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "-v"]).says(&["check tests: holds"])));
        assert!(!changes.iter().any(|change| change.contains("dev/base")), "{changes:?}");
        assert!(!desk.home("work/dev/base/inputs.tfvars.json").exists());
    }
}

/// The stack `side` with a test that makes a bucket, and takes it down again.
fn with_trial(terraform: &Path, timeout: &str) -> Desk {
    let desk = small::estate(terraform);
    let check = format!("check \"trial\" {{\n  terraform_test = true\n{timeout}}}\n");
    desk.edit("stacks/side/stack.hcl", "stack \"side\" {\n", &format!("stack \"side\" {{\n{check}\n"));
    let test = "variables {\n  name = \"trial\"\n}\nrun \"make\" {\n  assert {\n    \
                condition     = sandbox_aws_bucket.this.name == \"trial\"\n    error_message = \"Another name.\"\n  }\n}\n";
    desk.write("stacks/side/trial.tftest.hcl", test);
    desk.commit("Test");
    desk
}

#[test]
fn tests_build_real_things_and_take_them_down() {
    for terraform in tools::terraforms() {
        let desk = with_trial(&terraform, "");
        let changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev", "side"]).says(&["✓ side  applied"])));
        let expected =
            ["create dev/side bucket side-dev", "create dev/side bucket trial", "delete dev/side bucket trial"];
        assert_eq!(changes, expected);
    }
}

#[test]
fn tests_whose_time_is_over_are_interrupted_and_nothing_of_them_stays() {
    let Some(terraform) = tools::terraform() else { return };
    // A bucket takes a second and a half then.
    let desk = with_trial(&terraform, "  timeout = \"1s\"\n");
    desk.ok(&["sandbox", "latency", "0.5"]);
    desk.run(&["deliver", "--to", "dev", "side"])
        .expect(1)
        .says(&["error: check `trial` failed: not done within 1s, and interrupted"]);
    assert_eq!(desk.exists(), ["bucket side-dev"]);
}

/// The estate whose `base` is being verified when `work` begins: its check says that it has begun, and ends when it is interrupted.
fn in_mid_verify(terraform: &Path, work: impl FnOnce(&Desk, crate::desk::Started)) -> Desk {
    let desk = small::estate(terraform);
    let (begun, done) = (desk.repository().beside("begun"), desk.repository().beside("done"));
    let waits = format!(
        "trap 'echo interrupted; exit 9' INT; : > '{}'; while [ ! -e '{}' ]; do /bin/sleep 0.1; done",
        begun.display(),
        done.display()
    );
    let check = script("waits", &waits).replace("within", "timeout = \"2m\"\n  within");
    desk.edit("stacks/base/stack.hcl", "stack \"base\" {\n", &format!("stack \"base\" {{\n{check}\n"));
    desk.commit("Check");
    let terrace = desk.start(&["deliver", "--to", "dev"]);
    wait_until("the check has begun", || begun.exists());
    work(&desk, terrace);
    fs::write(&done, "").unwrap();
    desk
}

#[test]
fn an_interrupt_ends_a_check_and_the_next_delivery_asks_it_again() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = in_mid_verify(&terraform, |_, terrace| {
        terrace.signal(Signal::INT);
        terrace
            .wait()
            .expect(1)
            .says(&["! base    interrupted in verify: 1 added", "- middle  not started: the run was stopped"]);
    });
    assert_eq!(state(&desk, "base"), "interrupted");
    assert!(!desk.home("work/dev/base/outputs.json").exists());
    assert_eq!(evidence(&desk, "base"), 0);
    desk.ok(&["deliver", "--to", "dev"]).says(&["= base    unchanged", "✓ middle  applied"]);
    assert_eq!(evidence(&desk, "base"), 1);
}

#[test]
fn an_interrupt_ends_the_pause_before_the_next_attempt() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::estate(&terraform);
    let tries = desk.repository().beside("tries");
    // Pauses of 0.5, 1, 2, 4, 8 and 15 seconds.
    let check = script("never", &format!("echo try >> '{}'; exit 1", tries.display())).replace("0s", "1h");
    desk.edit("stacks/base/stack.hcl", "stack \"base\" {\n", &format!("stack \"base\" {{\n{check}\n"));
    desk.commit("Check");
    let terrace = desk.start(&["deliver", "--to", "dev", "base"]);
    let lines = || fs::read_to_string(&tries).unwrap_or_default().lines().count();
    wait_until("it was tried five times", || lines() == 5);
    terrace.signal(Signal::INT);
    terrace.wait().expect(1).says(&["interrupted in verify"]);
    assert_eq!(lines(), 5);
}

#[test]
fn a_terrace_that_dies_in_mid_verify_is_taken_up_and_verifies_again() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = in_mid_verify(&terraform, |desk, terrace| {
        terrace.signal(Signal::KILL);
        drop(terrace);
        assert_eq!(state(desk, "base"), "abandoned");
        let shown = desk.ok(&["run", "show"]).stdout;
        assert!(shown.contains("abandoned in verify: Terrace was killed"), "{shown}");
    });
    let changes = desk.changes_of(|| drop(desk.ok(&["resume"]).says(&["✓ base    applied: 1 added", "4 applied"])));
    assert!(!changes.iter().any(|change| change.contains("dev/base")), "{changes:?}");
    assert!(!desk.home("work/dev/base/outputs.json").exists());
    assert_eq!(evidence(&desk, "base"), 1);
    desk.ok(&["ledger", "verify"]);
}
