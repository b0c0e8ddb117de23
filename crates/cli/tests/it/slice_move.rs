//! Moving resources between stacks, on the sandbox cloud: what a rehearsal proves of it, and that no delivery of it touches an object.

use std::fs;

use serde_json::{Value as Json, json};
use terrace_testkit::tools;

use crate::desk::Desk;
use crate::rehearse::{findings, phases};
use crate::small;

/// `net` has a network, a database in it, and a bucket beside them; `data` has a bucket of its own; `app` reads from `net`.
const FILES: &str = r#"
//- terrace.hcl
estate "move" {
  state "local" {}
}

environment "dev" {
}
environment "prod" {
}

pipeline {
  stage "dev" { environment = "dev" }
  stage "prod" { environment = "prod" }
}
//- stacks/net/stack.hcl
stack "net" {
  inputs = {
    name = "${stack.name}-${env.name}"
    size = 10
  }
}
//- stacks/net/main.tf
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" { region = "eu-west-1" }
variable "name" { type = string }
variable "size" { type = number }

resource "sandbox_aws_network" "this" {
  name = var.name
  cidr = "10.0.0.0/16"
}

# All that customers ever wrote.
resource "sandbox_aws_database" "main" {
  name       = var.name
  network_id = sandbox_aws_network.this.id
  engine     = "postgres"
  version    = "17"
  size_gb    = var.size
  lifecycle {
    prevent_destroy = true
  }
}

resource "sandbox_aws_bucket" "logs" {
  for_each = toset(["a", "b"])
  name     = "${var.name}-${each.key}"
}

output "endpoint" { value = sandbox_aws_database.main.endpoint }
output "logs" { value = sandbox_aws_bucket.logs["a"].url }
//- stacks/data/stack.hcl
stack "data" {
  inputs = { name = "data-${env.name}" }
}
//- stacks/data/main.tf
terraform {
  required_providers {
    sandbox = { source = "terrace/sandbox" }
  }
}
provider "sandbox" { region = "eu-west-1" }
variable "name" { type = string }
resource "sandbox_aws_bucket" "own" {
  name = var.name
}
//- stacks/app/stack.hcl
stack "app" {
  inputs = {
    name     = "app-${env.name}"
    endpoint = stack.net.endpoint
    logs     = stack.net.logs
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
variable "endpoint" { type = string }
variable "logs" { type = string }
resource "sandbox_aws_bucket" "this" {
  name = var.name
  tags = { endpoint = var.endpoint, logs = var.logs }
}
"#;

fn desk() -> Option<Desk> {
    Some(Desk::with(&tools::terraform()?, FILES))
}

fn of<'j>(report: &'j Json, list: &str, stack: &str) -> &'j Json {
    report[list].as_array().unwrap().iter().find(|one| one["stack"] == stack).unwrap_or_else(|| panic!("{report}"))
}

/// Plans everything of an environment once more: nothing is left to do.
fn plan_is_empty(desk: &Desk, environment: &str) {
    let plan = desk.json(&["plan", "--env", environment, "--json"]);
    let changed: Vec<_> =
        plan["instances"].as_array().unwrap().iter().filter(|one| one["state"] != "unchanged").collect();
    assert!(changed.is_empty(), "{changed:?}");
}

/// What Terraform has in its state of an instance.
fn holds(desk: &Desk, environment: &str, stack: &str) -> Vec<String> {
    let path = desk.folder().join(format!(".terrace/state/{environment}/{stack}.tfstate"));
    let state: Json = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let resources = state["resources"].as_array().unwrap().iter().filter(|one| one["mode"] == "managed");
    let mut all: Vec<_> = resources.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

/// The database needs its network: `data` reads from `net` afterwards, so `net` forgets it before `data` has it.
#[test]
fn a_database_moves_to_another_stack_and_nobody_touches_it() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver"]);
    let before = desk.exists();
    // Only one stack has it: that it comes from there needs not be said.
    let arguments = ["slice", "move", "sandbox_aws_database.main", "--to", "data"];
    // First it is only shown.
    let shown = desk.ok(&arguments).says(&[
        "sandbox_aws_database.main moves from net to data",
        "output: stack.net.endpoint is stack.data.endpoint now",
        "new output: stack.net.network_id, for data",
        "in prod: 1 resource is imported, nothing is touched",
        "Nothing was written; `--write` does it.",
    ]);
    for line in
        ["+  from = sandbox_aws_database.main", "+    endpoint = stack.data.endpoint", "--- a/stacks/net/main.tf"]
    {
        assert!(shown.stdout.contains(line), "`{line}` is not shown: {shown}");
    }
    desk.ok(&["slice", "move", "sandbox_aws_database.main", "--from", "net", "--to", "data", "--write"])
        .says(&["the estate is valid", "terrace rehearse upgrade net data"]);
    desk.ok(&["validate"]);
    desk.commit("Move the database");
    desk.ok(&["release", "build"]);
    // A rehearsal proves it over what runs, with objects of its own, which have other ids.
    let report = desk.json(&["rehearse", "upgrade", "--json"]);
    assert_eq!((findings(&report), &report["verdict"]), (Vec::new(), &json!("passed")));
    assert_eq!(phases(&report), ["baseline passed", "deploy passed", "again passed", "destroy passed", "look passed"]);
    for stack in ["net", "data"] {
        let nothing = json!({ "add": 0, "change": 0, "destroy": 0 });
        assert_eq!(of(&report, "stacks", stack)["upgrade"], nothing, "{stack}");
    }
    assert_eq!(desk.exists(), before, "nothing of the rehearsal is left");
    // In earnest.
    let changes = desk.changes_of(|| {
        desk.ok(&["deliver"]);
    });
    assert_eq!(changes, [""; 0], "no object is made, changed or destroyed");
    for environment in ["dev", "prod"] {
        assert_eq!(
            (holds(&desk, environment, "net"), holds(&desk, environment, "data")),
            (vec!["logs".to_owned(), "this".to_owned()], vec!["main".to_owned(), "own".to_owned()])
        );
        plan_is_empty(&desk, environment);
    }
    // From nothing all of it is made, by the new stack.
    let report = desk.json(&["rehearse", "zero", "--json"]);
    assert_eq!((findings(&report), &report["verdict"]), (Vec::new(), &json!("passed")));
    assert_eq!(of(&report, "stacks", "data")["from_zero"]["add"], 2);
    assert_eq!(desk.exists(), before);
    // Afterwards the blocks go, and that changes nothing either.
    let text = fs::read_to_string(desk.folder().join("stacks/data/stack.hcl")).unwrap();
    let (head, rest) = text.split_once("  move {").unwrap();
    desk.write("stacks/data/stack.hcl", format!("{head}{}", rest.split_once("  }\n").unwrap().1));
    desk.edit(
        "stacks/net/main.tf",
        "removed {\n  from = sandbox_aws_database.main\n  lifecycle {\n    destroy = false\n  }\n}\n",
        "",
    );
    desk.commit("The move is done");
    let changes = desk.changes_of(|| {
        desk.ok(&["deliver"]);
    });
    assert_eq!(changes, [""; 0]);
}

/// Buckets need nothing of `net`: `data` has them before `net` forgets them. A new environment makes them.
#[test]
fn buckets_with_keys_move_and_a_new_environment_makes_them() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver", "--to", "dev"]);
    let report =
        desk.json(&["slice", "move", "sandbox_aws_bucket.logs", "--from", "net", "--to", "data", "--write", "--json"]);
    assert_eq!((&report["schema"], &report["written"]), (&json!("terrace.slice.move/1"), &json!(true)));
    assert_eq!(report["readers"], json!(["app"]));
    let imports = &of_environment(&report, "dev")["imports"];
    assert_eq!(imports, &json!(["sandbox_aws_bucket.logs[\"a\"]", "sandbox_aws_bucket.logs[\"b\"]"]));
    assert_eq!(of_environment(&report, "prod"), &json!({ "environment": "prod", "snapshot": null, "imports": [] }));
    desk.commit("Move the buckets");
    // Whoever gives waits for the one that takes.
    let graph = desk.json(&["graph", "--format", "json"]);
    let edge = graph["edges"].as_array().unwrap().iter().find(|edge| edge["from"] == "data" && edge["to"] == "net");
    assert_eq!(edge.unwrap()["gives"], true, "{graph}");
    let changes = desk.changes_of(|| {
        desk.ok(&["deliver", "--to", "dev"]);
    });
    assert_eq!(changes, [""; 0]);
    plan_is_empty(&desk, "dev");
    let changes = desk.changes_of(|| {
        desk.ok(&["deliver", "--stage", "prod"]);
    });
    assert!(changes.contains(&"create prod/data bucket net-prod-a".to_owned()), "{changes:?}");
    plan_is_empty(&desk, "prod");
    // Delivering it again finds nothing to do, though the block is there still.
    let made = desk.changes_of(|| {
        desk.ok(&["deliver", "--stage", "dev", "--again"]);
    });
    assert_eq!(made, [""; 0]);
}

fn of_environment<'j>(report: &'j Json, environment: &str) -> &'j Json {
    report["environments"].as_array().unwrap().iter().find(|one| one["environment"] == environment).unwrap()
}

#[test]
fn a_module_moves_with_all_that_is_in_it() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = small::delivered(&terraform);
    desk.ok(&["slice", "move", "module.store", "--from", "base", "--to", "side", "--write"]).says(&[
        "output: stack.base.url is stack.side.url now",
        "new variable of side: base_name = \"base-${env.name}\"",
        "in dev: 1 resource is imported",
    ]);
    desk.commit("Move the module");
    let report = desk.json(&["rehearse", "zero", "base", "side", "--json"]);
    assert_eq!((findings(&report), &report["verdict"]), (Vec::new(), &json!("passed")));
    let changes = desk.changes_of(|| {
        desk.ok(&["deliver", "--to", "dev"]);
    });
    assert_eq!(changes, [""; 0]);
    assert_eq!(
        (holds(&desk, "dev", "base"), holds(&desk, "dev", "side")),
        (Vec::new(), vec!["this".to_owned(), "this".to_owned()])
    );
    plan_is_empty(&desk, "dev");
}

/// A state that another machine made, or Terraform alone: no snapshot tells of it, and still nothing is made a second time.
#[test]
fn what_no_snapshot_tells_is_looked_up_in_the_state() {
    // The one is taken before it is forgotten, the other after.
    for address in ["sandbox_aws_bucket.logs", "sandbox_aws_database.main"] {
        let Some(desk) = desk() else { return };
        desk.ok(&["deliver", "--to", "dev"]);
        for file in ["terrace.db", "terrace.db-wal", "terrace.db-shm"] {
            let _ = fs::remove_file(desk.home(file));
        }
        desk.run(&["slice", "move", address, "--from", "net", "--to", "data"])
            .expect(2)
            .says(&["there is no snapshot"]);
        desk.ok(&["slice", "move", address, "--from", "net", "--to", "data", "--without-state", "--write"]);
        desk.commit("Move it");
        let changes = desk.changes_of(|| {
            desk.ok(&["deliver", "--to", "dev"]);
        });
        assert_eq!(changes, [""; 0], "{address}");
        plan_is_empty(&desk, "dev");
    }
}

#[test]
fn an_import_that_is_refused_leaves_everything_as_it_is() {
    let Some(desk) = desk() else { return };
    desk.ok(&["deliver", "--to", "dev"]);
    desk.ok(&["slice", "move", "sandbox_aws_bucket.logs", "--from", "net", "--to", "data", "--write"]);
    desk.commit("Move the buckets");
    // Somebody destroys one of them by hand before that is delivered.
    let id = {
        let state = fs::read_to_string(desk.folder().join(".terrace/state/dev/net.tfstate")).unwrap();
        let state: Json = serde_json::from_str(&state).unwrap();
        let logs = state["resources"].as_array().unwrap().iter().find(|one| one["name"] == "logs").unwrap();
        logs["instances"][0]["attributes"]["id"].as_str().unwrap().to_owned()
    };
    desk.ok(&["sandbox", "tamper", &id, "--delete"]);
    let changes = desk.changes_of(|| {
        desk.run(&["deliver", "--to", "dev"])
            .expect(1)
            .says(&["The plan imports sandbox_aws_bucket.logs", "`move` block in stack.hcl"]);
    });
    assert_eq!(changes, [""; 0]);
    assert!(holds(&desk, "dev", "net").contains(&"logs".to_owned()), "whoever gives has waited");
}

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let Some(desk) = desk() else { return };
    let tree = || fs::read_to_string(desk.folder().join("stacks/net/main.tf")).unwrap();
    let before = tree();
    let refused = |arguments: &[&str], says: &[&str]| {
        let all: Vec<&str> = ["slice", "move"].iter().chain(arguments).copied().collect();
        desk.run(&all).expect(2).says(says);
    };
    let bucket = "sandbox_aws_bucket.logs";
    refused(
        &[bucket, "--from", "net", "--to", "data", "--write"],
        &["there is no snapshot of the states of `net`", "--without-state"],
    );
    refused(
        &["sandbox_aws_bucket.log", "--from", "net", "--to", "data"],
        &["has no `sandbox_aws_bucket.log`", "Did you mean"],
    );
    refused(&["sandbox_aws_bucket.own", "--from", "net", "--to", "data"], &["`data` has one: `--from data`"]);
    refused(
        &["sandbox_aws_bucket.logs[\"a\"]", "--from", "net", "--to", "data"],
        &["is one instance of", "whole resources only"],
    );
    refused(
        &["sandbox_aws_bucket.log", "--to", "data"],
        &["no stack but `data` has sandbox_aws_bucket.log in its code"],
    );
    refused(&["module.m.a.b", "--from", "net", "--to", "data"], &["is a part of `module.m`"]);
    refused(&["logs", "--from", "net", "--to", "data"], &["is no address", "TYPE.NAME"]);
    refused(&[bucket, "--from", "nte", "--to", "data"], &["there is no stack `nte` (`--from`)", "Did you mean `net`?"]);
    refused(
        &[bucket, "--from", "net", "--to", "storage"],
        &["there is no stack `storage` (`--to`)", "Make a new one first"],
    );
    refused(&[bucket, "--from", "net", "--to", "net"], &["both where it is and where it goes"]);
    desk.edit("stacks/data/main.tf", "\"own\"", "\"logs\"");
    refused(&[bucket, "--from", "net", "--to", "data"], &["`data` has a `sandbox_aws_bucket.logs` of its own"]);
    desk.edit("stacks/data/main.tf", "\"logs\"", "\"own\"");
    // A file that somebody is at work on.
    desk.edit("stacks/net/main.tf", "10.0.0.0/16", "10.1.0.0/16");
    let changed = tree();
    refused(
        &[bucket, "--from", "net", "--to", "data", "--without-state", "--write"],
        &["not committed: stacks/net/main.tf", "Nothing was written"],
    );
    assert_eq!(tree(), changed);
    desk.edit("stacks/net/main.tf", "10.1.0.0/16", "10.0.0.0/16");
    // Before the first delivery only code moves.
    assert_eq!(tree(), before);
    desk.ok(&["slice", "move", bucket, "--from", "net", "--to", "data", "--without-state", "--write"])
        .says(&["in dev: nothing is known to run"]);
    desk.commit("Move the buckets");
    desk.ok(&["deliver", "--to", "dev"]);
    plan_is_empty(&desk, "dev");
}
