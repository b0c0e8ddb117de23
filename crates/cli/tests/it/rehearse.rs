//! Rehearsals, on the sandbox cloud: what they find, that nothing is left, and that what is left after a crash is swept.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};
use terrace_testkit::tools;

use crate::desk::{Desk, Signal, wait_until};

/// `net` is read by `data`, both by `app`. Everything is named by its environment.
const FILES: &str = r#"
//- terrace.hcl
estate "practice" {
  state "local" {}
}

environment "dev" {
  vars = { zone = "dev" }
}
environment "prod" {
  vars = { zone = "prod" }
}

rehearsals {
  vars     = { zone = "${env.name}.test" }
  max_live = 3
}
recovery {
  rto = "30m"
}

pipeline {
  stage "dev" { environment = "dev" }
  stage "prod" { environment = "prod" }
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
}
output "id" { value = sandbox_aws_network.this.id }
//- stacks/data/stack.hcl
stack "data" {
  inputs = {
    name       = "data-${env.name}"
    network_id = stack.net.id
  }
}
//- stacks/data/main.tf
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" { region = "eu-west-1" }
variable "name" { type = string }
variable "network_id" { type = string }
resource "sandbox_aws_database" "main" {
  name       = var.name
  network_id = var.network_id
  engine     = "postgres"
  version    = "17"
  size_gb    = 10
  lifecycle {
    prevent_destroy = true
  }
}
output "endpoint" { value = sandbox_aws_database.main.endpoint }
//- stacks/app/stack.hcl
stack "app" {
  inputs = {
    name     = "app-${env.name}"
    zone     = env.zone
    network  = stack.net.id
    endpoint = stack.data.endpoint
  }
  fixture "data" {
    outputs = { endpoint = "postgres://stand-in" }
  }
  fixture "net" {
    outputs = { id = "net-stand-in" }
  }
}
//- stacks/app/main.tf
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" { region = "eu-west-1" }
variable "name" { type = string }
variable "zone" { type = string }
variable "network" { type = string }
variable "endpoint" { type = string }
resource "sandbox_aws_bucket" "this" {
  name = var.name
  tags = { zone = var.zone, endpoint = var.endpoint, network = var.network }
}
"#;

fn desk() -> Option<Desk> {
    Some(Desk::with(&tools::terraform()?, FILES))
}

/// The environments that stand, by name.
pub(crate) fn standing(desk: &Desk) -> Vec<String> {
    let list = desk.json(&["rehearse", "list", "--json"]);
    let all = list["rehearsals"].as_array().unwrap().iter();
    all.filter(|one| one["standing"] == true).map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// What exists in the sandbox cloud that no environment of the estate has.
fn left(desk: &Desk) -> Vec<String> {
    let mut all = desk.exists();
    all.retain(|one| !one.ends_with("-dev") && !one.ends_with("-prod"));
    all
}

pub(crate) fn findings(report: &Json) -> Vec<String> {
    let lines = |finding: &Json| {
        let details = finding["details"].as_array().unwrap().iter().map(|detail| detail.as_str().unwrap().to_owned());
        let head = format!("{} {}", finding["phase"].as_str().unwrap(), finding["stack"].as_str().unwrap_or("-"));
        std::iter::once(format!("{head}: {}", finding["summary"].as_str().unwrap())).chain(details).collect::<Vec<_>>()
    };
    report["findings"].as_array().unwrap().iter().flat_map(lines).collect()
}

pub(crate) fn phases(report: &Json) -> Vec<String> {
    let phases = report["phases"].as_array().unwrap().iter();
    phases.map(|one| format!("{} {}", one["phase"].as_str().unwrap(), one["outcome"].as_str().unwrap())).collect()
}

#[test]
fn a_release_is_deployed_from_nothing_and_nothing_is_left() {
    let Some(desk) = desk() else { return };
    let report = desk.json(&["rehearse", "zero", "--json"]);
    assert_eq!(report["schema"], "terrace.rehearsal/1");
    assert_eq!(phases(&report), ["deploy passed", "again passed", "destroy passed", "look passed"]);
    assert_eq!((&report["verdict"], findings(&report)), (&json!("passed"), Vec::new()));
    assert_eq!((desk.exists(), standing(&desk)), (Vec::new(), Vec::new()));
    let name = report["environment"]["name"].as_str().unwrap();
    let created: Vec<_> = desk.changes().into_iter().filter(|change| change.starts_with("create")).collect();
    assert_eq!(created[0], format!("create {name}/net network net-{name}"));
    assert_eq!(created.len(), 3, "{created:?}");
    let destroyed: Vec<_> = desk.changes().into_iter().filter(|change| change.starts_with("delete")).collect();
    assert_eq!(destroyed.last().unwrap(), &format!("delete {name}/net network net-{name}"), "in reverse order");
    // What is proven is not done again, unless it is asked for.
    let again = desk.changes_of(|| {
        desk.ok(&["rehearse", "zero"]).says(&["= net  zero is proven already", "= app  zero is proven already"]);
    });
    assert_eq!(again, [""; 0]);
    desk.ok(&["rehearse", "zero", "net", "--again"]).says(&["Rehearsal zero of 1 stack"]);
    // Whoever verifies the release sees the evidence, and the run list knows of no rehearsal.
    desk.ok(&["release", "verify"]);
    assert_eq!(desk.json(&["run", "list", "--json"])["runs"], json!([]));
    let kinds = desk.json(&["ledger", "log", "--kind", "rehearsal_*", "--json"]);
    assert_eq!(kinds["entries"].as_array().unwrap().len(), 4);
    desk.ok(&["rehearse", "show", name]).says(&[]);
    desk.run(&["rehearse", "show", "nobody"]).expect(2).says(&["there is no rehearsal `nobody`"]);
}

#[test]
fn fixtures_stand_in_so_that_one_stack_is_rehearsed_alone() {
    let Some(desk) = desk() else { return };
    let report = desk.json(&["rehearse", "zero", "app", "--json"]);
    let roles: Vec<_> = report["stacks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["stack"].as_str().unwrap(), one["role"].as_str().unwrap(), one["fixture"].as_str()))
        .collect();
    assert_eq!(
        roles,
        [("app", "rehearsed", None), ("data", "stood_in", Some("outputs")), ("net", "stood_in", Some("outputs"))]
    );
    let created: Vec<_> = desk.changes().into_iter().filter(|change| change.starts_with("create")).collect();
    assert_eq!(created.len(), 1, "{created:?}");
    desk.ok(&["rehearse", "zero", "app"]).says(&["zero is proven already"]);
    let real = desk.json(&["rehearse", "zero", "app", "--no-fixtures", "--again", "--json"]);
    assert!(real["stacks"].as_array().unwrap().iter().all(|one| one["role"] != "stood_in"));
    // A tiny stack in the place of the network.
    desk.edit(
        "stacks/app/stack.hcl",
        "    outputs = { id = \"net-stand-in\" }",
        "    folder = \"fixtures/net\"\n    inputs = { name = \"tiny-${env.name}\" }",
    );
    desk.write(
        "stacks/app/fixtures/net/main.tf",
        "variable \"name\" { type = string }\nresource \"terraform_data\" \"net\" { input = var.name }\n\
         output \"id\" { value = terraform_data.net.output }\n",
    );
    desk.commit("A tiny network");
    let report = desk.json(&["rehearse", "zero", "app", "--json"]);
    let net = report["stacks"].as_array().unwrap().iter().find(|one| one["stack"] == "net").unwrap();
    assert_eq!((&net["role"], &net["fixture"]), (&json!("stood_in"), &json!("stacks/app/fixtures/net")));
    assert_eq!(report["verdict"], "passed");
    // One that does not fit what is read of it.
    desk.edit("stacks/app/fixtures/net/main.tf", "output \"id\"", "output \"other\"");
    desk.commit("It does not fit");
    desk.run(&["rehearse", "zero", "app"]).expect(2).says(&["has no output `id`"]);
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn a_fixture_that_does_not_fit_is_told_with_its_place() {
    let Some(desk) = desk() else { return };
    desk.edit("stacks/app/stack.hcl", "outputs = { id = \"net-stand-in\" }", "outputs = { ip = \"net-stand-in\" }");
    desk.run(&["validate"]).expect(2).says(&["the fixture for `net` has no output `id`", "stacks/app/stack.hcl"]);
    desk.edit("stacks/app/stack.hcl", "ip = \"net-stand-in\"", "id = \"x\", colour = \"red\"");
    desk.commit("An output too many");
    desk.run(&["rehearse", "zero", "app"])
        .expect(2)
        .says(&["has the output `colour`, which `net` has not", "Its outputs: id"]);
}

#[test]
fn what_was_made_by_hand_is_missed_from_nothing() {
    let Some(desk) = desk() else { return };
    // Somebody makes a network in dev, and nobody writes it down.
    desk.write_all(
        "//- stacks/hand/stack.hcl\nstack \"hand\" {\n  inputs = { name = \"byhand-${env.name}\" }\n}\n//- stacks/hand/main.tf\n\
         terraform {\n  required_providers {\n    sandbox = { source = \"terrace/sandbox\" }\n  }\n}\n\
         provider \"sandbox\" { region = \"eu-west-1\" }\nvariable \"name\" { type = string }\n\
         resource \"sandbox_aws_network\" \"this\" {\n  name = var.name\n  cidr = \"10.9.0.0/16\"\n}\n",
    );
    desk.commit("By hand");
    desk.ok(&["deliver", "--to", "dev"]);
    fs::remove_dir_all(desk.folder().join("stacks/hand")).unwrap();
    desk.edit(
        "stacks/app/main.tf",
        "resource \"sandbox_aws_bucket\" \"this\" {",
        "data \"sandbox_aws_network\" \"shared\" { name = replace(var.name, \"app\", \"byhand\") }\n\
         resource \"sandbox_aws_bucket\" \"this\" {",
    );
    desk.commit("It works in dev");
    desk.ok(&["plan", "app", "--env", "dev"]);
    let report = desk.run(&["rehearse", "zero", "app", "--json"]).expect(1).json();
    assert_eq!(report["verdict"], "failed");
    let told = findings(&report).join("\n");
    assert!(told.contains("deploy app: ") && told.contains("data.sandbox_aws_network.shared"), "{told}");
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn what_is_never_done_is_caught_with_its_attribute() {
    let Some(desk) = desk() else { return };
    desk.edit("stacks/app/main.tf", "tags = { zone = var.zone,", "tags = { at = timestamp(), zone = var.zone,");
    desk.commit("The time of the plan");
    let report = desk.run(&["rehearse", "zero", "app", "--json"]).expect(1).json();
    assert_eq!(phases(&report), ["deploy passed", "again failed", "destroy passed", "look passed"]);
    let told = findings(&report).join("\n");
    assert!(told.contains("again app: a second plan is not empty"), "{told}");
    assert!(told.contains("sandbox_aws_bucket.this.tags"), "{told}");
    assert_eq!(left(&desk), [""; 0]);
    // A failure is evidence too, and none that anything passed.
    desk.run(&["rehearse", "zero", "app"]).expect(1).without(&["proven"]);
}

#[test]
fn a_change_that_replaces_a_database_passes_from_zero_and_fails_as_an_upgrade() {
    let Some(desk) = desk() else { return };
    desk.ok(&["rehearse", "upgrade"]).says(&["new: it has nothing to upgrade from"]);
    desk.ok(&["deliver"]);
    desk.edit("stacks/data/main.tf", "engine     = \"postgres\"", "engine     = \"mysql\"");
    desk.edit("stacks/data/main.tf", "  lifecycle {\n    prevent_destroy = true\n  }\n", "");
    desk.commit("Another engine");
    desk.ok(&["rehearse", "zero", "data"]);
    let report = desk.run(&["rehearse", "upgrade", "data", "--json"]).expect(1).json();
    assert_eq!(phases(&report), ["baseline passed", "deploy failed", "destroy passed", "look passed"]);
    let told = findings(&report).join("\n");
    assert!(
        told.contains("sandbox_aws_database.main would be replaced (because of engine): it has `prevent_destroy`"),
        "{told}"
    );
    let data = report["stacks"].as_array().unwrap().iter().find(|one| one["stack"] == "data").unwrap();
    assert_eq!(data["from_zero"], json!({ "add": 1, "change": 0, "destroy": 0 }));
    assert_eq!(data["upgrade"], json!({ "add": 1, "change": 0, "destroy": 1 }));
    assert_eq!(data["losses"][0]["address"], "sandbox_aws_database.main");
    assert_eq!(left(&desk), [""; 0]);
    // Where the stack allows it, it passes.
    desk.edit(
        "stacks/data/stack.hcl",
        "stack \"data\" {",
        "stack \"data\" {\n  upgrade {\n    allow = [\"sandbox_aws_database.main\"]\n  }",
    );
    desk.commit("It is meant so");
    let report = desk.json(&["rehearse", "upgrade", "data", "--json"]);
    assert_eq!(report["verdict"], "passed");
    desk.ok(&["rehearse", "upgrade", "data"]).says(&["upgrade is proven already"]);
    // Once something else runs there, that proves nothing any more.
    desk.ok(&["deliver"]);
    desk.ok(&["rehearse", "upgrade", "data"]).says(&["Rehearsal upgrade"]);
}

#[test]
fn lost_infrastructure_and_lost_code_are_recovered_and_measured() {
    let Some(desk) = desk() else { return };
    desk.run(&["rehearse", "recovery", "--lost", "infrastructure"]).expect(2).says(&["nothing runs in prod"]);
    desk.ok(&["deliver"]);
    let report = desk.json(&["rehearse", "recovery", "--lost", "infrastructure", "--json"]);
    let all = ["baseline passed", "lose passed", "recover passed", "again passed", "destroy passed", "look passed"];
    assert_eq!(phases(&report), all);
    assert!(report["recovery"]["took_ms"].as_u64().unwrap() > 0);
    assert_eq!(
        (&report["recovery"]["rto_ms"], &report["recovery"]["keeps_objective"]),
        (&json!(1_800_000), &json!(true))
    );
    assert_eq!(report["critical_path"], json!(["net", "data", "app"]));
    let timeline = desk.json(&["rehearse", "timeline", "--json"]);
    let groups: Vec<_> = timeline["groups"].as_array().unwrap().iter().map(|group| group["name"].clone()).collect();
    assert_eq!(groups, ["baseline", "lose", "recover", "destroy"], "{timeline}");
    let picture = desk.ok(&["rehearse", "timeline", "--format", "svg"]).stdout;
    assert!(picture.contains("<svg") && picture.contains("recover"), "{picture}");
    let report = desk.json(&["rehearse", "recovery", "--lost", "code", "--json"]);
    assert_eq!((phases(&report), findings(&report)), (vec!["recover passed".to_owned()], Vec::new()));
    desk.ok(&["status"]).says(&["recovery of infrastructure: practised", "recovery of code: practised"]);
    let history = desk.json(&["rehearse", "history", "--json"]);
    assert_eq!(history["series"].as_array().unwrap().len(), 2, "{history}");
    let status = desk.json(&["status", "--json"]);
    assert_eq!(status["recoveries"][0]["lost"], "infrastructure");
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
    // Too slow is not as it should be.
    desk.edit("terrace.hcl", "rto = \"30m\"", "rto = \"1ms\"");
    desk.commit("In no time");
    desk.ok(&["deliver", "--again"]);
    let report = desk.run(&["rehearse", "recovery", "--lost", "infrastructure", "--json"]).expect(1).json();
    assert!(findings(&report).join("\n").contains("and the objective is 0.0s"), "{report}");
}

#[test]
fn a_kill_at_any_moment_leaves_nothing_after_a_sweep() {
    let Some(desk) = desk() else { return };
    desk.ok(&["release", "build"]);
    let mut crashes = 0;
    for after in (1..80).step_by(3) {
        let mut command = desk.command(&["rehearse", "zero", "--again"]);
        command.env("TERRACE_CRASH_AFTER", after.to_string());
        let done = command.output().unwrap();
        if done.status.success() {
            break;
        }
        crashes += 1;
        desk.ok(&["sweep"]).says(&[]);
        assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()), "after {after} entries");
    }
    assert!(crashes >= 8, "it crashed {crashes} times only");
    desk.ok(&["sweep"]).says(&["Nothing is to be swept"]);
}

#[test]
fn a_kill_in_mid_apply_leaves_nothing_after_a_sweep() {
    let Some(desk) = desk() else { return };
    desk.ok(&["sandbox", "latency", "0.2"]);
    let terrace = desk.start(&["rehearse", "zero"]);
    wait_until("something is being made", || {
        !desk.exists().is_empty() || desk.calls().iter().any(|call| call.operation == "create")
    });
    terrace.signal(Signal::KILL);
    terrace.wait();
    desk.ok(&["sandbox", "latency", "0"]);
    assert_eq!(standing(&desk).len(), 1);
    desk.ok(&["sweep"]).says(&["left by a process that is gone"]);
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn what_cannot_be_destroyed_is_kept_and_told() {
    let Some(desk) = desk() else { return };
    desk.ok(&["sandbox", "fault", "add", "aws/network", "--operation", "delete", "--fail", "Busy: it is in use"]);
    let report = desk.run(&["rehearse", "zero", "net", "--json"]).expect(1).json();
    assert_eq!(phases(&report), ["deploy passed", "again passed", "destroy failed", "look failed"]);
    assert_eq!(report["left"]["net"], json!(["sandbox_aws_network.this"]));
    let name = report["environment"]["name"].as_str().unwrap().to_owned();
    assert_eq!((left(&desk), standing(&desk)), (vec![format!("network net-{name}")], vec![name.clone()]));
    let swept = desk.run(&["sweep", &name]).expect(1);
    assert!(swept.stdout.contains("not all of it could be destroyed\n    net: sandbox_aws_network.this"), "{swept}");
    desk.ok(&["sandbox", "fault", "clear"]);
    assert_eq!(desk.json(&["sweep", &name, "--json"])["swept"][0]["clean"], true);
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn what_is_kept_lives_until_its_time_is_over_and_so_many_live_at_once() {
    let Some(desk) = desk() else { return };
    let kept = desk.ok(&["rehearse", "zero", "net", "--keep", "--name", "one"]);
    assert!(kept.stdout.contains("It is left standing until"), "{kept}");
    desk.ok(&["sweep"]).says(&["Nothing is to be swept"]);
    assert_eq!(left(&desk), ["network net-one"]);
    // That proves nothing: it may be what cannot be destroyed.
    desk.ok(&["rehearse", "zero", "net", "--keep", "--name", "two", "--ttl", "1ms"]).without(&["proven"]);
    desk.ok(&["sweep", "--dry-run"]).says(&["would destroy two: outlived its time"]);
    desk.run(&["rehearse", "zero", "net", "--again", "--name", "one"])
        .expect(2)
        .says(&["there is a rehearsal `one` already"]);
    for wrong in ["much-too-long-a-name", "Big", "under_score", "dev"] {
        desk.run(&["rehearse", "zero", "net", "--again", "--name", wrong])
            .expect(2)
            .says(&["cannot name an ephemeral environment"]);
    }
    desk.ok(&["rehearse", "zero", "net", "--again", "--keep", "--name", "three"]);
    desk.run(&["rehearse", "zero", "net", "--again"])
        .expect(1)
        .says(&["3 ephemeral environments live already", "at most 3 may"]);
    desk.ok(&["sweep"]).says(&["Sweeping two: outlived its time"]).without(&["Sweeping one"]);
    assert_eq!(left(&desk), ["network net-one", "network net-three"]);
    desk.ok(&["sweep", "one", "three"]);
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
    desk.run(&["sweep", "dev"]).expect(2).says(&["there is no ephemeral environment `dev`"]);
}

#[test]
fn parallel_rehearsals_do_not_meet() {
    let Some(desk) = desk() else { return };
    desk.ok(&["release", "build"]);
    let both = [desk.start(&["rehearse", "zero", "--again"]), desk.start(&["rehearse", "zero", "--again"])];
    for one in both {
        let done = one.wait().expect(0);
        assert!(done.stdout.contains("passed, in"), "{done}");
    }
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn an_interrupt_ends_in_cleaning_up() {
    let Some(desk) = desk() else { return };
    // Long enough for a signal to come before the end; what has begun by then is waited for, a database longest.
    desk.ok(&["sandbox", "latency", "0.02"]);
    let terrace = desk.start(&["rehearse", "zero"]);
    wait_until("something is being made", || desk.calls().iter().any(|call| call.operation == "create"));
    terrace.signal(Signal::INT);
    let done = terrace.wait().expect(1).says(&["destroy: destroying all of it"]);
    assert!(done.stdout.contains("was interrupted"), "{done}");
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn a_stage_rehearses_what_has_no_evidence_and_a_gate_asks_for_it() {
    let Some(desk) = desk() else { return };
    desk.edit(
        "terrace.hcl",
        "  stage \"dev\"",
        "  stage \"test\" { rehearse = [\"zero\", \"upgrade\"] }\n  stage \"dev\"",
    );
    desk.edit(
        "terrace.hcl",
        "stage \"prod\" { environment = \"prod\" }",
        "stage \"prod\" {\n    environment = \"prod\"\n    gate \"evidence\" { of = [\"zero\", \"upgrade\"] }\n  }",
    );
    desk.commit("Prove it first");
    desk.ok(&["deliver"]).says(&[
        "Rehearsal zero of 3 stacks",
        "= net  new: it has nothing to upgrade from",
        "succeeded: 6 applied",
    ]);
    desk.ok(&["deliver"]).says(&["= net  zero is proven already"]).without(&["Rehearsal zero of"]);
    // What would take a database away does not come to dev.
    desk.edit("stacks/data/main.tf", "engine     = \"postgres\"", "engine     = \"mysql\"");
    desk.edit("stacks/data/main.tf", "    prevent_destroy = true", "    prevent_destroy = false");
    desk.commit("Another engine");
    let changes = desk.changes_of(|| {
        desk.run(&["deliver"])
            .expect(1)
            .says(&["The stage test failed: the rehearsal upgrade did not pass. Nothing is delivered."]);
    });
    assert!(!changes.iter().any(|change| change.contains("dev/") || change.contains("prod/")), "{changes:?}");
    // Nor does what nobody rehearsed come through the gate.
    desk.edit("terrace.hcl", "  stage \"test\" { rehearse = [\"zero\", \"upgrade\"] }\n", "");
    desk.commit("No time for tests");
    desk.run(&["deliver"])
        .expect(4)
        .says(&["refused by the gate `evidence`: the rehearsal upgrade of this release is not proven"]);
}

#[test]
fn a_gate_asks_for_a_recovery_that_was_practised_lately() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver"]);
    desk.edit(
        "terrace.hcl",
        "stage \"prod\" { environment = \"prod\" }",
        "stage \"prod\" {\n    environment = \"prod\"\n    gate \"recovery\" { younger_than = \"7d\" }\n  }",
    );
    desk.edit("stacks/net/main.tf", "cidr = \"10.0.0.0/16\"", "cidr = \"10.0.0.0/16\"\n  tags = { new = \"yes\" }");
    desk.commit("Practise first");
    desk.run(&["deliver", "net"])
        .expect(4)
        .says(&["refused by the gate `recovery`: the recovery of infrastructure was not practised lately enough"]);
    desk.ok(&["rehearse", "recovery", "--lost", "infrastructure"]);
    desk.ok(&["deliver", "net"]).says(&["1 applied"]);
}

#[test]
fn a_state_that_all_environments_share_is_never_rehearsed_with() {
    let Some(desk) = desk() else { return };
    let shared = desk.repository().beside("tmp").join("shared.tfstate");
    desk.edit(
        "terrace.hcl",
        "state \"local\" {}",
        &format!("state \"local\" {{\n    path = \"{}-${{env.zone}}-${{stack.name}}\"\n  }}", shared.display()),
    );
    desk.edit("terrace.hcl", "  vars     = { zone = \"${env.name}.test\" }\n", "");
    desk.commit("By zone");
    desk.run(&["rehearse", "zero", "net"])
        .expect(2)
        .says(&["a rehearsal of net would have the state of dev/net", "env.name"]);
    assert!(!Path::new(&shared).exists());
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn a_lost_region_is_built_again_in_earnest() {
    let Some(desk) = desk() else { return };
    desk.run(&["recover", "--lost", "infrastructure", "--env", "prod", "--confirm", "prod"])
        .expect(2)
        .says(&["the ledger says of nothing that it runs in prod"]);
    desk.ok(&["deliver"]);
    let before = desk.exists();
    // What was committed since is not what ran.
    desk.edit("stacks/net/main.tf", "  cidr = \"10.0.0.0/16\"", "  cidr = \"10.1.0.0/16\"");
    desk.commit("Never delivered");
    desk.ok(&["sandbox", "lose", "--region", "eu-west-1"]);
    desk.ok(&["sandbox", "restore", "--region", "eu-west-1"]);
    assert_eq!(desk.exists(), [""; 0]);
    let asked = desk.run(&["recover", "--lost", "infrastructure", "--env", "prod"]).expect(3);
    assert!(asked.stdout.contains("1 to add"), "{asked}");
    assert!(asked.stderr.contains("nobody is there to be asked"), "{asked}");
    desk.run(&["recover", "--lost", "infrastructure", "--env", "prod", "--confirm", "dev"])
        .expect(2)
        .says(&["nothing was done"]);
    assert_eq!(desk.exists(), [""; 0]);
    // A crash in the middle: the same command goes on from there.
    let mut crashed = desk.command(&["recover", "--lost", "infrastructure", "--env", "prod", "--confirm", "prod"]);
    let crashed = crashed.env("TERRACE_CRASH_AFTER", "9").output().unwrap();
    assert!(!crashed.status.success());
    desk.ok(&["recover", "--lost", "infrastructure", "--env", "prod", "--confirm", "prod"])
        .says(&["prod runs again what the ledger says"]);
    let prod: Vec<_> = before.iter().filter(|one| one.ends_with("-prod")).cloned().collect();
    assert_eq!(desk.exists(), prod);
    let network = desk.json(&["sandbox", "show", "--json"]).to_string();
    assert!(network.contains("10.0.0.0/16") && !network.contains("10.1.0.0/16"), "{network}");
}

#[test]
fn lost_states_are_rebuilt_from_their_snapshots() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver"]);
    let report = desk.json(&["rehearse", "recovery", "--lost", "state", "--json"]);
    let all = ["baseline passed", "lose passed", "recover passed", "again passed", "destroy passed", "look passed"];
    assert_eq!((phases(&report), findings(&report)), (all.map(str::to_owned).to_vec(), Vec::new()));
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
    // In earnest: two of three states are gone.
    let changes = desk.changes_of(|| {
        for stack in ["net", "data"] {
            fs::remove_file(desk.home(&format!("state/prod/{stack}.tfstate"))).unwrap();
        }
        desk.run(&["recover", "--lost", "state", "--env", "prod"])
            .expect(3)
            .says(&["net  snapshot", "nobody is there to be asked"]);
        desk.ok(&["recover", "--lost", "state", "--env", "prod", "--confirm", "prod"]).says(&[
            "✓ net  1 resource imported",
            "✓ data  1 resource imported",
            "= app  its state is there",
            "All states of prod are what they were",
        ]);
    });
    assert_eq!(changes, [""; 0], "an import changes nothing");
    let imported = desk.json(&["ledger", "log", "--kind", "state_imported", "--json"]);
    assert_eq!(imported["entries"].as_array().unwrap().len(), 2);
    desk.ok(&["deliver", "--again"]).says(&["6 unchanged"]);
    desk.ok(&["recover", "--lost", "state", "--env", "prod", "--confirm", "prod"]).says(&["= net  its state is there"]);
}

#[test]
fn a_resource_that_cannot_be_imported_is_listed() {
    let Some(desk) = desk() else { return };
    desk.edit(
        "stacks/net/main.tf",
        "output \"id\"",
        "resource \"terraform_data\" \"note\" { input = \"kept\" }\noutput \"id\"",
    );
    desk.commit("A note");
    desk.ok(&["deliver"]);
    let report = desk.run(&["rehearse", "recovery", "--lost", "state", "--json"]).expect(1).json();
    let told = findings(&report).join("\n");
    assert!(
        told.contains("recover net: its state could not be rebuilt whole") && told.contains("terraform_data.note"),
        "{told}"
    );
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn what_was_removed_since_is_destroyed_with_what_ran_before() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver"]);
    // `app` rests on `data` in what runs, and on nothing any more.
    fs::remove_dir_all(desk.folder().join("stacks/data")).unwrap();
    desk.edit("stacks/app/stack.hcl", "    endpoint = stack.data.endpoint\n", "    endpoint = \"none\"\n");
    desk.edit(
        "stacks/app/stack.hcl",
        "  fixture \"data\" {\n    outputs = { endpoint = \"postgres://stand-in\" }\n  }\n",
        "",
    );
    desk.commit("Without a database");
    let report = desk.json(&["rehearse", "upgrade", "app", "--no-fixtures", "--json"]);
    assert_eq!(report["verdict"], "passed", "{report}");
    let created = desk.changes().iter().filter(|change| change.starts_with("create up-")).count();
    assert_eq!(created, 3, "the database, too");
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
    // Nor does a crash leave it, whatever stands in for what now.
    let mut crashes = 0;
    for after in (20..60).step_by(10) {
        let mut command = desk.command(&["rehearse", "upgrade", "app", "--again"]);
        command.env("TERRACE_CRASH_AFTER", after.to_string());
        crashes += usize::from(!command.output().unwrap().status.success());
        desk.ok(&["sweep"]);
        assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()), "after {after} entries");
    }
    assert!(crashes > 0);
}

#[test]
fn a_release_without_the_environment_to_be_like_is_told_before_anything_is_made() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver"]);
    desk.edit(
        "terrace.hcl",
        "environment \"dev\" {",
        "environment \"lab\" {\n  vars = { zone = \"lab\" }\n}\nenvironment \"dev\" {",
    );
    desk.commit("A laboratory");
    let changes = desk.changes_of(|| {
        desk.run(&["rehearse", "upgrade", "net", "--again", "--like", "lab"])
            .expect(2)
            .says(&["there is no environment `lab` in release", "\"Begin\"", "--like ENVIRONMENT", "dev, prod"])
            .without(&["Rehearsal upgrade of"]);
    });
    assert_eq!((changes, standing(&desk)), (Vec::new(), Vec::new()));
    desk.ok(&["rehearse", "zero", "net", "--like", "lab"]);
}

#[test]
fn two_sweeps_at_once_destroy_all_of_it_once_and_what_is_at_work_is_left_alone() {
    let Some(desk) = desk() else { return };
    desk.ok(&["rehearse", "zero", "net", "--keep", "--name", "one", "--ttl", "1ms"]);
    desk.ok(&["rehearse", "zero", "net", "--again", "--keep", "--name", "two", "--ttl", "1ms"]);
    desk.ok(&["sandbox", "latency", "0.05"]);
    let both = [desk.start(&["sweep"]), desk.start(&["sweep"])];
    for one in both {
        one.wait().expect(0);
    }
    let destroyed: Vec<_> = desk.changes().into_iter().filter(|change| change.starts_with("delete")).collect();
    assert_eq!(destroyed.len(), 2, "{destroyed:?}");
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
    desk.ok(&["sweep", "one"]).says(&["Nothing of one is there any more."]);
    desk.ok(&["sweep", "--dry-run"]).says(&["Nothing is to be swept"]);
    let terrace = desk.start(&["rehearse", "zero", "net", "--again", "--name", "three"]);
    wait_until("it is at work", || standing(&desk) == ["three"]);
    desk.run(&["sweep", "three"]).expect(1).says(&["a process is at work in three"]);
    terrace.wait().expect(0);
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn lost_code_is_written_back_and_builds_to_the_same_release() {
    let Some(desk) = desk() else { return };
    desk.ok(&["release", "build"]);
    let layout = desk.home("releases");
    let to = desk.repository().beside("tmp").join("restored");
    let (layout, to) = (layout.to_str().unwrap(), to.to_str().unwrap());
    fs::remove_dir_all(desk.folder().join("stacks")).unwrap();
    fs::remove_file(desk.folder().join("terrace.hcl")).unwrap();
    desk.ok(&["recover", "--lost", "code", "--to", to, "--layout", layout])
        .says(&["Built again, every digest is what it was"]);
    assert!(Path::new(to).join("stacks/app/main.tf").exists());
    desk.run(&["recover", "--lost", "code", "--to", to, "--layout", layout]).expect(2);
}

#[test]
fn rehearsals_of_the_example_do_not_meet() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = crate::harbour::estate(&terraform);
    desk.ok(&["release", "build"]);
    // `shop` rests on `dns`, which has a domain: the only name that is not made of the environment's by the code.
    let both =
        [desk.start(&["rehearse", "zero", "shop", "--json"]), desk.start(&["rehearse", "zero", "dns", "--json"])];
    let reports = both.map(|one| one.wait().expect(0).json());
    let roles = |report: &Json| -> Vec<String> {
        let stacks = report["stacks"].as_array().unwrap().iter();
        stacks.map(|one| format!("{} {}", one["stack"].as_str().unwrap(), one["role"].as_str().unwrap())).collect()
    };
    assert_eq!(roles(&reports[1]), ["aws-cluster stood_in", "dns rehearsed", "google-cluster stood_in"]);
    assert!(roles(&reports[0]).contains(&"aws-cluster stood_in".to_owned()), "{:?}", roles(&reports[0]));
    assert_eq!((desk.exists(), standing(&desk)), (Vec::new(), Vec::new()));
    // What is proven prints no report, and is JSON all the same.
    assert_eq!(desk.json(&["rehearse", "zero", "dns", "--json"])["rehearsals"], json!([]));
}

#[test]
fn what_an_environment_of_another_commit_runs_is_never_taken_for_a_rehearsals_own() {
    let Some(desk) = desk() else { return };
    let states = desk.repository().beside("tmp");
    let path = format!("state \"local\" {{\n    path = \"{}/${{env.name}}-${{stack.name}}\"\n  }}", states.display());
    desk.edit("terrace.hcl", "state \"local\" {}", &path);
    desk.edit(
        "terrace.hcl",
        "environment \"prod\"",
        "environment \"qa\" {\n  vars = { zone = \"qa\" }\n}\nenvironment \"prod\"",
    );
    desk.edit("terrace.hcl", "  stage \"dev\"", "  stage \"qa\" { environment = \"qa\" }\n  stage \"dev\"");
    desk.commit("With an environment for questions");
    desk.ok(&["deliver", "net", "--to", "qa"]);
    desk.edit("terrace.hcl", "environment \"qa\" {\n  vars = { zone = \"qa\" }\n}\n", "");
    desk.edit("terrace.hcl", "  stage \"qa\" { environment = \"qa\" }\n", "");
    desk.commit("Without it");
    let rehearse = ["rehearse", "zero", "net", "--name", "qa", "--json"];
    desk.run(&rehearse).expect(2).says(&["`qa` is the name of an environment that was delivered to"]);
    // Another machine has another ledger: there the state tells.
    fs::remove_file(desk.home("terrace.db")).unwrap();
    let changes = desk.changes_of(|| {
        let report = desk.run(&rehearse).expect(1).json();
        assert_eq!(phases(&report), ["deploy failed", "destroy passed", "look passed"]);
        let told = findings(&report).join("\n");
        assert!(told.contains("its state holds what the rehearsal did not make: sandbox_aws_network.this"), "{told}");
    });
    assert_eq!((changes, desk.exists()), (Vec::new(), vec!["network net-qa".to_owned()]));
    assert_eq!(standing(&desk), [""; 0]);
}

#[test]
fn what_is_imported_is_not_changed_and_not_destroyed() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver", "net", "--to", "dev"]);
    let shown = desk.json(&["sandbox", "show", "--json"]).to_string();
    let id = shown.split('"').find(|word| word.starts_with("aws-network-"));
    let import = format!(
        "import {{\n  to = sandbox_aws_network.this\n  id = \"{}\"\n}}\nprovider \"sandbox\"",
        id.expect("its id")
    );
    desk.edit("stacks/net/main.tf", "provider \"sandbox\"", &import);
    desk.commit("Take it in");
    let changes = desk.changes_of(|| {
        let report = desk.run(&["rehearse", "zero", "net", "--json"]).expect(1).json();
        let told = findings(&report).join("\n");
        assert!(told.contains("a rehearsal of net would take hold of what runs"), "{told}");
        assert_eq!(phases(&report), ["deploy failed", "destroy passed", "look passed"]);
    });
    assert_eq!((changes, desk.exists()), (Vec::new(), vec!["network net-dev".to_owned()]));
}

#[test]
fn states_that_are_lost_when_a_recovery_is_killed_are_put_back_by_the_sweep() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver"]);
    let terrace = desk.start(&["rehearse", "recovery", "--lost", "state", "--name", "gone"]);
    let states = desk.home("rehearsals/gone/.terrace/state/gone");
    let text = |stack: &str| fs::read_to_string(states.join(format!("{stack}.tfstate"))).unwrap_or_default();
    wait_until("states are lost", || text("net").contains("\"resources\": []"));
    terrace.signal(Signal::KILL);
    terrace.wait();
    desk.ok(&["sweep"]).says(&["net  its state is put back from snapshot"]);
    assert_eq!((left(&desk), standing(&desk)), (Vec::new(), Vec::new()));
}
