//! Gates from the outside: what each lets through, holds, asks about and refuses, what it says of that, and how the glass is broken.

use jiff::{Timestamp, ToSpan, Unit};
use serde_json::Value as Json;
use terrace_testkit::tools;

use crate::desk::Desk;

/// A database and a bucket in each environment; `GATES` stands before production.
const FILES: &str = r#"
//- terrace.hcl
estate "gated" {}
environment "dev" { vars = { domain = "dev" } }
environment "prod" { vars = { domain = "prod" } }
team "team-data" { members = ["grace", "carol"] }
capability "orders" {
  layer = "business"
  owner = "team-data"
  needs = ["storage"]
}
capability "storage" {
  layer = "technology"
  owner = "team-data"
}
pipeline {
  stage "dev" { environment = "dev" }
  stage "prod" {
    environment = "prod"
GATES
  }
}
//- stacks/store/stack.hcl
stack "store" {
  capability = "storage"
  owner      = "team-data"
  inputs     = { name = "store-${env.domain}" }
}
//- stacks/store/main.tf
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
resource "sandbox_aws_database" "orders" {
  name       = var.name
  network_id = sandbox_aws_network.this.id
  engine     = "postgres"
  version    = "17"
  size_gb    = 20
}
"#;

fn estate(gates: &str) -> Option<Desk> {
    Some(Desk::with(&tools::terraform()?, &FILES.replace("GATES", gates)))
}

/// Delivers to production with the glass broken, so that what a gate says of the next change can be seen.
fn delivered(gates: &str) -> Option<Desk> {
    let desk = estate(gates)?;
    desk.ok(&["deliver", "--break-glass", "the first delivery"]);
    Some(desk)
}

/// What a gate says of the only instance in production.
fn verdict(desk: &Desk, gate: &str) -> Json {
    let explained = desk.json(&["gate", "explain", "--env", "prod", "--json"]);
    assert_eq!(explained["schema"], "terrace.gates/1");
    let gates = explained["instances"][0]["gates"].as_array().expect("gates").clone();
    gates.into_iter().find(|one| one["gate"] == gate).unwrap_or_else(|| panic!("no gate {gate}: {explained:#}"))
}

fn replace_the_database(desk: &Desk) {
    desk.edit("stacks/store/main.tf", "\"postgres\"", "\"mysql\"");
    desk.commit("Another engine");
}

#[test]
fn a_plan_that_destroys_more_than_it_may_is_refused_and_the_glass_can_be_broken() {
    let gate = "gate \"blast_radius\" {\n max_destroys = 0\n max_level = \"medium\"\n}";
    let Some(desk) = delivered(gate) else { return };
    replace_the_database(&desk);
    let refused = desk.run(&["deliver", "--json"]).expect(4);
    let run = refused.json();
    let instance = &run["instances"][1];
    assert_eq!((&instance["state"], &instance["environment"]), (&"refused".into(), &"prod".into()), "{run:#}");
    let because = instance["because"].as_str().unwrap();
    assert!(
        because.contains("refused by the gate `blast_radius`: it destroys or replaces 1 resources, and 0 are allowed"),
        "{because}"
    );
    assert!(because.contains("its blast radius is high, and medium is allowed"), "{because}");
    let said = verdict(&desk, "blast_radius");
    assert_eq!(said["verdict"], "refuse");
    assert!(said["reasons"][0].as_str().unwrap().contains("sandbox_aws_database.orders"), "{said}");
    let text = desk.ok(&["gate", "explain", "--env", "prod"]).stdout;
    assert!(text.contains("✗ blast_radius  refuse: it destroys or replaces 1 resources"), "{text}");

    desk.run(&["deliver", "--break-glass", "  "]).expect(2).says(&["breaking the glass needs a reason"]);
    let broken = desk.ok(&["deliver", "--break-glass", "ticket 4711"]).says(&["the glass is broken", "ticket 4711"]);
    assert!(broken.stderr.contains("Run 3 in dev, prod succeeded"), "{broken}");
    let shown = desk.ok(&["run", "show"]).stdout;
    assert!(shown.contains("GLASS BROKEN by ada: ticket 4711"), "{shown}");
    assert!(shown.contains("[glass broken: the gate `blast_radius` said: it destroys"), "{shown}");
    let log = desk.json(&["ledger", "log", "--kind", "break_glass", "--json"]);
    let entries = log["entries"].as_array().unwrap();
    let reasons: Vec<_> = entries.iter().map(|entry| entry["reason"].as_str().unwrap()).collect();
    assert!(reasons.contains(&"ticket 4711") && reasons.contains(&"the first delivery"), "{log:#}");
    desk.ok(&["ledger", "verify"]);
}

#[test]
fn what_changes_data_asks_the_owners_of_what_it_touches_and_not_who_made_it() {
    let Some(mut desk) = delivered("gate \"blast_radius\" { stateful = \"approve\" }") else { return };
    desk.edit("stacks/store/main.tf", "cidr = \"10.0.0.0/16\"", "cidr = \"10.0.0.0/16\"\n  tags = { a = \"b\" }");
    desk.commit("Nothing that holds data");
    desk.ok(&["deliver"]);
    replace_the_database(&desk);
    let waiting = desk.run(&["deliver"]).expect(3);
    assert!(waiting.stderr.contains("waits for a decision"), "{waiting}");
    let shown = desk.ok(&["run", "show"]).stdout;
    assert!(shown.contains("it changes what holds data: sandbox_aws_database.orders"), "{shown}");
    assert!(shown.contains("waits for 1 approval of team-data"), "{shown}");
    desk.run(&["run", "approve"]).expect(4).says(&["ada may not approve prod/store: the gate asks for team-data"]);
    desk.set("USER", "carol");
    desk.run(&["run", "approve"]).expect(4).says(&["carol made the commit that prod/store is to run"]);
    desk.set("USER", "grace");
    desk.ok(&["run", "approve"]);
    desk.ok(&["resume"]);
    assert_eq!(verdict(&desk, "blast_radius")["verdict"], "pass");
}

#[test]
fn where_nobody_can_be_asked_the_gate_refuses() {
    let Some(desk) = delivered("gate \"approval\" {}") else { return };
    desk.edit("stacks/store/stack.hcl", "owner      = \"team-data\"", "owner      = \"team-ghost\"");
    replace_the_database(&desk);
    desk.run(&["deliver"]).expect(4).says(&["nobody knows who team-ghost is: terrace.hcl has no such team"]);
}

#[test]
fn what_was_changed_by_hand_is_named_and_refused() {
    let Some(desk) = delivered("gate \"clean\" {}") else { return };
    desk.ok(&["sandbox", "tamper", "database/store-prod", "--set", "tags={\"by\":\"hand\"}"]);
    desk.edit("stacks/store/main.tf", "cidr = \"10.0.0.0/16\"", "cidr = \"10.0.0.0/16\"\n  tags = { a = \"b\" }");
    desk.commit("Tags");
    desk.run(&["deliver"])
        .expect(4)
        .says(&["refused by the gate `clean`: changed by hand: sandbox_aws_database.orders"]);
    assert_eq!(verdict(&desk, "clean")["verdict"], "refuse");
}

#[test]
fn a_closed_window_holds_a_run_and_an_open_one_lets_it_on() {
    let closed =
        "gate \"window\" { freeze = [{ from = \"2020-01-01\", to = \"2400-01-01\", reason = \"the trade\" }] }";
    let Some(desk) = estate(closed) else { return };
    let held = desk.run(&["deliver", "--json"]).expect(3).says(&["1 held by a gate", "terrace gate explain 1"]);
    assert_eq!(held.json()["instances"][1]["state"], "held");
    let said = verdict(&desk, "window");
    assert_eq!((&said["verdict"], &said["until"]), (&"wait".into(), &"2400-01-02T00:00:00Z".into()), "{said}");
    assert!(said["reasons"][0].as_str().unwrap().ends_with("the trade"), "{said}");
    desk.run(&["resume"]).expect(3).says(&["1 held by a gate"]);
    let status = desk.ok(&["status"]).stdout;
    assert!(status.contains("nothing, another is held by a gate in run 1"), "{status}");
    assert!(!desk.exists().iter().any(|name| name.contains("prod")), "nothing is made while it is closed");

    // It opens soon, and the process stays until then.
    let opens = (Timestamp::now() + 8.seconds()).round(Unit::Second).expect("a time");
    let opens = opens.to_string().trim_end_matches('Z').to_owned();
    desk.edit("terrace.hcl", "to = \"2400-01-01\"", &format!("to = \"{opens}\""));
    desk.commit("Trade ends");
    desk.ok(&["deliver", "--wait"]).says(&["held by the gate `window`", "succeeded"]);
    assert!(desk.exists().iter().any(|name| name.contains("prod")));
    desk.ok(&["ledger", "verify"]);
}

#[test]
fn a_release_soaks_in_the_stage_before() {
    let Some(desk) = estate("gate \"soak\" { for = \"6s\" }") else { return };
    desk.run(&["deliver"]).expect(3).says(&["1 held by a gate"]);
    let said = verdict(&desk, "soak");
    assert_eq!(said["verdict"], "wait", "{said}");
    let until: Timestamp = said["until"].as_str().unwrap().parse().unwrap();
    desk.ok(&["resume", "--wait"]).says(&["succeeded"]);
    assert!(Timestamp::now() >= until, "not before its time");
}

#[test]
fn an_approved_plan_waits_for_the_window() {
    let gates = "gate \"approval\" { by = [\"ada\"] }\n gate \"window\" { freeze = [{ from = \"2020-01-01\", to = \"2400-01-01\" }] }";
    let Some(desk) = estate(gates) else { return };
    desk.run(&["deliver"]).expect(3).says(&["1 waiting for approval"]);
    desk.ok(&["run", "approve"]);
    desk.run(&["resume"]).expect(3).says(&["1 held by a gate"]);
    let shown = desk.ok(&["run", "show"]).stdout;
    assert!(shown.contains("approved, and held by the gate `window`"), "{shown}");
    assert_eq!(verdict(&desk, "approval")["verdict"], "pass");

    // Who only stays can go, and nothing that was approved is lost.
    let stays = desk.start(&["resume", "--wait"]);
    crate::desk::wait_until("it is held again", || {
        let journal = desk.json(&["ledger", "log", "--kind", "run_entered", "--json"]);
        journal["entries"]
            .as_array()
            .is_some_and(|entries| entries.iter().filter(|one| one["environment"] == "prod").count() > 2)
    });
    stays.signal(crate::desk::Signal::INT);
    stays.wait().expect(3).says(&["1 held by a gate"]);
    desk.ok(&["run", "cancel"]);
    assert!(!desk.exists().iter().any(|name| name.contains("prod")));
}

/// A policy as people write them for conftest, about what Terrace knows besides.
const POLICY: &str = r#"
//- policy/data.rego
package main

deny[msg] {
    resource := input.resource_changes[_]
    resource.change.actions[_] == "delete"
    input.terrace.environment.name == "prod"
    input.terrace.blast_radius.level == "high"
    msg := sprintf("%s must not go from %s", [resource.address, input.terrace.stack.name])
}
"#;

#[test]
fn a_policy_that_denies_is_named_with_its_file_and_comes_with_the_release() {
    let Some(terraform) = tools::terraform() else { return };
    let files = format!("{}{POLICY}", FILES.replace("GATES", "gate \"policy\" {}"));
    let desk = Desk::with(&terraform, &files);
    desk.ok(&["deliver"]);
    replace_the_database(&desk);
    desk.run(&["deliver"])
        .expect(4)
        .says(&["refused by the gate `policy`: policy/data.rego: sandbox_aws_database.orders must not go from store"]);
    assert_eq!(verdict(&desk, "policy")["verdict"], "refuse");

    // The release is asked, and not the work tree.
    desk.write_all("//- policy/data.rego\npackage main\ndeny[msg] { false; msg := \"\" }\n");
    desk.run(&["deliver", "--retry"]).expect(4).says(&["must not go from store"]);
    desk.commit("Allow it");
    desk.ok(&["deliver"]).says(&["1 applied"]);

    // What cannot be decided refuses.
    desk.write_all("//- policy/data.rego\npackage main\ndeny[msg] { 1 / 0 == 1; msg := \"never\" }\n");
    desk.edit("stacks/store/main.tf", "\"mysql\"", "\"postgres\"");
    desk.commit("Divide by zero");
    let undecided = desk.run(&["deliver"]).expect(4);
    assert!(undecided.stderr.contains("the gate `policy` cannot be decided: policy/data.rego:2"), "{undecided}");
}

#[test]
fn who_owns_the_files_is_asked_too() {
    let Some(terraform) = tools::terraform() else { return };
    let files = format!("{}//- CODEOWNERS\nstacks/store/ @linus\n", FILES.replace("GATES", "gate \"approval\" {}"));
    let mut desk = Desk::with(&terraform, &files);
    desk.run(&["deliver"]).expect(3);
    let shown = desk.ok(&["run", "show"]).stdout;
    assert!(shown.contains("waits for 1 approval of @linus, team-data"), "{shown}");
    desk.set("USER", "linus");
    desk.ok(&["run", "approve"]);
    desk.ok(&["resume"]).says(&["succeeded"]);
}
