//! One release through the stages of a pipeline: evidence, decisions, what counts and what does not, and going back.

use std::path::Path;

use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::desk::Desk;

/// `net` is read by `app`; `lone` depends on nothing. Production asks two people, who must be of the team.
const FILES: &str = r#"
//- terrace.hcl
estate "line" {}

team "ops" {
  members = ["ada", "grace"]
}

environment "dev" {
  vars = { size = 1 }
}
environment "staging" {
  vars = { size = 2 }
}
environment "prod" {
  vars = { size = 3 }
}

pipeline {
  stage "dev" { environment = "dev" }
  stage "staging" { environment = "staging" }
  stage "prod" {
    environment = "prod"
    gate "approval" {
      by    = ["ops"]
      count = 1
    }
  }
}
//- stacks/net/stack.hcl
stack "net" {
  inputs = { name = "net-${env.name}" }
}
//- stacks/net/main.tf
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" { region = "eu-west-1" }
variable "name" { type = string }
resource "sandbox_aws_network" "this" {
  name = var.name
  cidr = "10.0.0.0/16"
  tags = { purpose = "network" }
}
output "id" { value = sandbox_aws_network.this.id }
//- stacks/app/stack.hcl
stack "app" {
  inputs = {
    network = stack.net.id
    name    = "app-${env.name}"
    size    = env.size
  }
}
//- stacks/app/main.tf
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" { region = "eu-west-1" }
variable "network" { type = string }
variable "name" { type = string }
variable "size" { type = number }
resource "sandbox_aws_load_balancer" "this" {
  name       = var.name
  network_id = var.network
  tags       = { size = tostring(var.size) }
}
//- stacks/lone/stack.hcl
stack "lone" {
  inputs = { name = "lone-${env.name}" }
}
//- stacks/lone/main.tf
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" { region = "eu-west-1" }
variable "name" { type = string }
resource "sandbox_aws_bucket" "this" {
  name = var.name
  tags = { kind = "plain" }
}
"#;

fn estate(terraform: &Path) -> Desk {
    Desk::with(terraform, FILES)
}

/// `ENVIRONMENT/STACK` of the run's instances that are in this state, sorted.
fn in_state(run: &Json, state: &str) -> Vec<String> {
    let instances = run["instances"].as_array().expect("instances");
    let found = instances.iter().filter(|one| one["state"] == state);
    let mut names: Vec<_> = found
        .map(|one| format!("{}/{}", one["environment"].as_str().unwrap(), one["stack"].as_str().unwrap()))
        .collect();
    names.sort();
    names
}

/// The release of a stack that runs in each environment.
fn releases(desk: &Desk, stack: &str) -> Vec<(String, String)> {
    let status = desk.json(&["status", "--json"]);
    let rows = status["instances"].as_array().expect("instances").iter().filter(|row| row["stack"] == stack);
    rows.filter_map(|row| Some((row["environment"].as_str()?.to_owned(), row["release"].as_str()?.to_owned())))
        .collect()
}

fn approve_and_resume(desk: &Desk) -> crate::desk::Done {
    desk.ok(&["run", "approve"]);
    desk.run(&["resume"])
}

#[test]
fn the_same_release_goes_through_every_stage_and_waits_where_people_are_asked() {
    for terraform in tools::terraforms() {
        let desk = estate(&terraform);
        let waiting = desk.run(&["deliver", "--json"]).expect(3).says(&[
            "Delivering 3 stacks",
            "in dev, then staging, then prod",
            "(3 stacks new, 0 as before)",
            "Run 1 in dev, staging, prod waits for a decision",
            "`terrace run approve 1`, then `terrace resume 1`",
        ]);
        let run = waiting.json();
        assert_eq!((&run["schema"], &run["outcome"]), (&"terrace.run/2".into(), &"waiting".into()));
        assert_eq!(in_state(&run, "awaiting"), ["prod/lone", "prod/net"]);
        assert_eq!(in_state(&run, "waiting"), ["prod/app"], "it reads what net does not have yet");
        assert!(!desk.exists().iter().any(|name| name.contains("prod")), "nothing is made before people say so");

        let shown = desk.ok(&["run", "show", "1"]).stdout;
        assert!(shown.contains("waits for 1 approval of ops"), "{shown}");
        assert!(shown.contains("waits for net upstream"), "{shown}");
        assert!(shown.contains("create sandbox_aws_network.this"), "{shown}");

        approve_and_resume(&desk).expect(3).says(&["Going on with run 1", "prod     net", "applied: 1 added"]);
        approve_and_resume(&desk).expect(0).says(&["Run 1 in dev, staging, prod succeeded: 9 applied"]);
        for stack in ["net", "app", "lone"] {
            let running = releases(&desk, stack);
            assert_eq!(running.len(), 3);
            assert!(running.iter().all(|(_, release)| *release == running[0].1), "{running:?}");
        }
        desk.ok(&["ledger", "verify"]);
        // The same commit again: everything runs already.
        let again = desk.ok(&["deliver", "--json"]).says(&["9 current"]).json();
        assert_eq!(in_state(&again, "skipped").len(), 9);
    }
}

#[test]
fn a_change_to_one_stack_makes_one_release_and_only_that_moves() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    desk.ok(&["deliver", "--to", "staging"]);
    let before = releases(&desk, "net");
    desk.edit("stacks/lone/main.tf", "plain", "fancy");
    desk.commit("Fancy");
    let changes = desk.changes_of(|| {
        drop(desk.ok(&["deliver", "--to", "staging"]).says(&["(1 stack new, 2 as before)", "2 applied, 4 current"]));
    });
    assert_eq!(changes, ["update dev/lone bucket lone-dev", "update staging/lone bucket lone-staging"]);
    assert_eq!(releases(&desk, "net"), before);
}

#[test]
fn nothing_enters_a_stage_without_evidence_from_the_one_before() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    let refused = desk.run(&["deliver", "--env", "staging", "lone"]).expect(4);
    assert!(refused.stderr.contains("no evidence that this release succeeded in dev"), "{refused}");
    desk.ok(&["deliver", "--env", "dev", "lone"]);
    desk.ok(&["deliver", "--env", "staging", "lone"]).says(&["1 applied"]);

    // Another release: what was proven of the first says nothing of it.
    desk.edit("stacks/lone/main.tf", "plain", "fancy");
    desk.commit("Fancy");
    desk.run(&["deliver", "--env", "staging", "lone"]).expect(4).says(&["no evidence"]);

    // Somebody whom the estate does not trust has signed.
    desk.ok(&["deliver", "--env", "dev", "lone"]);
    let stranger = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let with_trust = format!("estate \"line\" {{}}\n\ntrust \"bot\" {{\n  public_key = \"{stranger}\"\n}}\n");
    desk.edit("terrace.hcl", "estate \"line\" {}\n", &with_trust);
    desk.commit("Trust another key alone");
    desk.run(&["deliver", "--env", "staging", "lone"])
        .expect(4)
        .says(&["there is evidence that lone succeeded in dev, and it does not count"]);
    assert_eq!(desk.exists(), ["bucket lone-dev", "bucket lone-staging"]);
}

#[test]
fn who_is_not_asked_does_not_count_and_a_rejection_ends_it() {
    let Some(terraform) = tools::terraform() else { return };
    let mut desk = estate(&terraform);
    desk.run(&["deliver", "net", "lone"]).expect(3);
    desk.set("USER", "mallory");
    desk.run(&["run", "approve", "1"]).expect(4).says(&["mallory may not approve prod/lone: the gate asks for ops"]);
    desk.set("USER", "grace");
    desk.ok(&["run", "approve", "1", "--stack", "net", "--reason", "looked at it"]);
    desk.ok(&["run", "reject", "1", "--stack", "lone", "--reason", "not before the weekend"]);
    desk.run(&["run", "approve", "1", "--stack", "lone"]).expect(2).says(&["`lone` does not wait for a decision"]);
    desk.run(&["resume", "1"]).expect(4).says(&["rejected by grace: not before the weekend"]);
    assert!(desk.exists().contains(&"network net-prod".to_owned()));
    assert!(!desk.exists().contains(&"bucket lone-prod".to_owned()));
    let log = desk.ok(&["ledger", "log", "--kind", "instance_approved", "--json-lines"]).stdout;
    let entry: Json = serde_json::from_str(log.lines().next().expect("an entry")).expect("JSON");
    assert_eq!((&entry["actor"], &entry["reason"]), (&"grace".into(), &"looked at it".into()));
    desk.run(&["resume", "1"]).expect(2).says(&["run 1 is over: it refused"]);
}

#[test]
fn exactly_the_approved_plan_is_applied_and_another_is_asked_about_again() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    desk.run(&["deliver", "lone"]).expect(3);
    approve_and_resume(&desk).expect(0);
    desk.edit("stacks/lone/main.tf", "plain", "fancy");
    desk.commit("Fancy");
    desk.run(&["deliver", "lone"]).expect(3).says(&["prod", "waits for approval: 0 to add, 1 to change"]);
    desk.ok(&["run", "approve"]);

    // The saved plan waits sealed, and nothing of it lies about in clear.
    let folder = desk.home("work/prod/lone");
    assert!(folder.join("plan.tfplan.age").exists());
    assert!(!folder.join("plan.tfplan").exists() && !folder.join("inputs.tfvars.json").exists());

    // The state moves on, and what would be done with it is another thing now.
    desk.ok(&["sandbox", "tamper", "bucket/lone-prod", "--set", "versioning=true"]);
    let state = desk.home("state/prod/lone.tfstate");
    let text = std::fs::read_to_string(&state).unwrap();
    let serial = serde_json::from_str::<Json>(&text).unwrap()["serial"].as_u64().unwrap();
    std::fs::write(&state, text.replace(&format!("\"serial\": {serial}"), &format!("\"serial\": {}", serial + 1)))
        .unwrap();
    let asked = desk.run(&["resume"]).expect(3);
    let asked =
        asked.says(&["the saved plan of prod/lone is not applied: another state serial", "waits for approval again"]);
    assert!(asked.stderr.contains("another changes"), "{asked}");

    approve_and_resume(&desk).expect(0).says(&["applied: 0 added, 1 changed"]);
    assert!(!folder.join("plan.tfplan.age").exists(), "it is gone when it was used");
}

#[test]
fn a_plan_that_was_made_again_and_is_the_same_needs_no_new_approval() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    desk.run(&["deliver", "lone"]).expect(3);
    desk.ok(&["run", "approve"]);
    // The saved plan is lost: a disk was cleaned up.
    std::fs::remove_file(desk.home("work/prod/lone/plan.tfplan.age")).unwrap();
    desk.ok(&["resume"]).says(&["It is planned again", "applied: 1 added"]).without(&["waits for approval"]);
}

#[test]
fn a_run_that_failed_is_tried_again_with_the_same_release() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    desk.ok(&[
        "sandbox",
        "fault",
        "add",
        "aws/bucket",
        "--operation",
        "create",
        "--fail",
        "InsufficientCapacity: none",
        "--identity",
        "staging/*",
        "--times",
        "1",
    ]);
    desk.run(&["deliver", "--to", "staging"]).expect(1).says(&[
        "✗ staging/lone",
        "InsufficientCapacity",
        "5 applied, 1 failed",
    ]);
    // Another commit is there by now, and is not what is tried again.
    desk.edit("stacks/net/main.tf", "network\" }", "other\" }");
    desk.commit("Another");
    let changes = desk.changes_of(|| {
        drop(desk.ok(&["deliver", "--retry"]).says(&["Delivering again what run 1 did", "1 applied, 5 current"]));
    });
    assert_eq!(changes, ["create staging/lone bucket lone-staging"]);
}

#[test]
fn a_rollback_is_a_new_plan_of_the_release_before() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    desk.run(&["rollback", "lone", "--env", "dev"]).expect(2).says(&["lone has no earlier release in dev"]);
    desk.ok(&["deliver", "--to", "dev"]);
    desk.run(&["rollback", "lone", "--env", "dev"]).expect(2).says(&["lone has no earlier release in dev"]);
    let first = releases(&desk, "lone");
    desk.edit("stacks/lone/main.tf", "plain", "fancy");
    desk.commit("Fancy");
    desk.ok(&["deliver", "--to", "dev"]);
    assert_ne!(releases(&desk, "lone"), first);
    let changes = desk.changes_of(|| {
        drop(
            desk.ok(&["rollback", "lone", "--env", "dev"]).says(&["Rolling lone in dev back to release", "1 applied"]),
        );
    });
    assert_eq!(changes, ["update dev/lone bucket lone-dev"]);
    assert_eq!(releases(&desk, "lone"), first);
    let status = desk.json(&["status", "--json"]);
    let row = status["instances"].as_array().unwrap().iter().find(|row| row["stack"] == "lone").unwrap().clone();
    assert_eq!(row["commit"], desk.repository().git(&["rev-parse", "HEAD~1"]), "the commit of what runs now");
    desk.run(&["rollback", "lnoe", "--env", "dev"]).expect(2);
}

#[test]
fn a_release_that_was_built_before_is_delivered_unless_a_byte_of_it_is_another() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    let digest = desk.ok(&["release", "build"]).stdout.trim().to_owned();
    desk.edit("stacks/lone/main.tf", "plain", "fancy");
    desk.commit("Fancy");
    desk.ok(&["deliver", "--release", &digest, "--env", "dev", "lone"]).says(&["of release ", "1 applied"]);
    assert_eq!(desk.json(&["sandbox", "show", "--json"]).to_string().matches("plain").count(), 1);

    // Somebody changes a layer.
    let contract = desk.json(&["release", "show", &digest, "net", "--json"]);
    let release = contract["digest"].as_str().expect("a digest").trim_start_matches("sha256:").to_owned();
    let blobs = desk.home("releases/blobs/sha256");
    let manifest: Json = serde_json::from_slice(&std::fs::read(blobs.join(release)).unwrap()).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let mut bytes = std::fs::read(blobs.join(&layer)).unwrap();
    let at = bytes.windows(11).position(|window| window == b"10.0.0.0/16").expect("it is there");
    bytes[at] = b'9';
    std::fs::write(blobs.join(&layer), bytes).unwrap();
    let refused = desk.run(&["deliver", "--release", &digest, "--env", "dev"]).expect(4);
    assert!(refused.stderr.contains(&layer[..12]) && refused.stderr.contains("nothing was done"), "{refused}");
    assert_eq!(desk.exists(), ["bucket lone-dev"]);
}

#[test]
fn a_snapshot_of_the_state_is_kept_after_each_apply() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    desk.ok(&["deliver", "--to", "dev", "lone"]);
    desk.edit("stacks/lone/main.tf", "plain", "fancy");
    desk.commit("Fancy");
    desk.ok(&["deliver", "--to", "dev", "lone"]);
    let snapshots = desk.json(&["state", "snapshots", "lone", "--env", "dev", "--json"]);
    assert_eq!(snapshots["snapshots"].as_array().expect("snapshots").len(), 2, "{snapshots:#}");
    // What is sealed says nothing to those who have no key.
    for entry in std::fs::read_dir(desk.home("snapshots/sha256")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/"));
        assert!(!bytes.windows(5).any(|window| window == b"fancy"));
    }
}

#[test]
fn a_clock_that_was_set_back_hides_no_change_from_those_who_read_it() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = estate(&terraform);
    let reads = "network = stack.net.id\n    note    = stack.net.note";
    desk.edit("stacks/app/stack.hcl", "network = stack.net.id", reads);
    desk.edit("stacks/app/main.tf", "variable \"size\"", "variable \"note\" { type = string }\nvariable \"size\"");
    desk.edit("stacks/app/main.tf", "tostring(var.size)", "\"${var.note} ${var.size}\"");
    desk.edit("stacks/net/main.tf", "output \"id\"", "output \"note\" { value = \"one\" }\noutput \"id\"");
    desk.commit("Read a note");
    desk.ok(&["deliver", "--to", "dev"]);
    // As if the clock had been an hour ahead then: what was recorded last lies in the future now.
    let hour = 3_600_000;
    let database = desk.home("terrace.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute("UPDATE instance SET delivered_at = delivered_at + ?1, outputs_at = outputs_at + ?1", [hour])
        .unwrap();
    drop(connection);
    let mut store = terrace_driver::store::Store::open(&database, "ada@here").unwrap();
    let ahead = terrace_domain::run::Moment(store.last_moment().unwrap().0 + hour);
    let kind = terrace_domain::ledger::Kind::new("clock_test").unwrap();
    let entry = terrace_domain::ledger::NewEntry::new(ahead, "ada@here", &kind, "{}");
    store.write(|transaction| Ok(terrace_driver::ledger::append(transaction, &entry)?)).unwrap();
    drop(store);

    desk.edit("stacks/net/main.tf", "\"one\"", "\"two\"");
    desk.commit("Another note");
    desk.ok(&["deliver", "--to", "dev", "net"]).says(&["1 applied"]);
    let changes = desk.changes_of(|| drop(desk.ok(&["deliver", "--to", "dev"]).says(&["1 applied, 2 current"])));
    assert_eq!(changes, ["update dev/app load_balancer app-dev"]);
    desk.ok(&["deliver", "--to", "dev"]).says(&["3 current"]);
    desk.ok(&["ledger", "verify"]);
}
