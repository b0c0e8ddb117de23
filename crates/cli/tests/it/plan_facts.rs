//! Facts of plans that the real Terraform makes, on the sandbox and on the real AWS provider: what `terraform show -json` printed while Terrace looked
//! into a plan is read once more. With `TERRACE_KEEP_PLANS=crates/domain/tests/it/plans` the plans are kept there, for the tests of the domain:
//! without registry hosts and ports, which differ from machine to machine.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use terrace_domain::plan::{PlanFacts, ResourceChange, ResourceTypes};
use terrace_testkit::tools;

use crate::aws::{BUCKET, example};
use crate::desk::Desk;
use crate::emulator::Emulator;

const FILES: &str = r#"
//- terrace.hcl
estate "facts" {
  state "local" {}
}
environment "dev" {
  protected = true
}
pipeline {
  stage "dev" { environment = "dev" }
}
//- stacks/all/stack.hcl
stack "all" {}
//- stacks/all/main.tf
terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}

provider "sandbox" {
  region = "eu-west-1"
}

resource "sandbox_aws_network" "main" {
  name = "main"
  cidr = "10.0.0.0/16"
}

resource "sandbox_aws_database" "orders" {
  name       = "orders"
  network_id = sandbox_aws_network.main.id
  engine     = "postgres"
  version    = "15"
  size_gb    = 10
}

resource "sandbox_aws_vault" "keys" {
  name = "keys"
}

resource "sandbox_aws_secret" "token" {
  name     = "token"
  vault_id = sandbox_aws_vault.keys.id
  value    = "hunter2"
}

resource "sandbox_aws_bucket" "each" {
  for_each = toset(["a.b", "c"])
  name     = "each-${replace(each.key, ".", "-")}"
}

resource "sandbox_aws_bucket" "old_name" {
  name = "moved"
}

resource "sandbox_aws_bucket" "forgotten" {
  name = "forgotten"
}

resource "sandbox_aws_bucket" "same" {
  name = "same"
}

output "url" {
  value = sandbox_aws_bucket.same.url
}
output "token" {
  value     = sandbox_aws_secret.token.value
  sensitive = true
}
output "engine" {
  value = "postgres"
}
"#;

/// A Terraform that keeps what it shows of plans.
struct Shown {
    folder: PathBuf,
}

impl Shown {
    fn of(desk: &Desk, terraform: &Path) -> Self {
        let folder = desk.repository().beside("shown");
        fs::create_dir(&folder).unwrap();
        let (real, kept) = (terraform.display(), folder.display());
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" != show ] || [ \"$2\" != -json ]; then exec '{real}' \"$@\"; fi\n\
             '{real}' \"$@\" > '{kept}'/$$.json\ncode=$?\n/bin/cat '{kept}'/$$.json\nexit $code\n"
        );
        desk.write_program("terraform", &script);
        Self { folder }
    }

    /// The only plan that was shown.
    #[track_caller]
    fn plan(&self) -> String {
        let files: Vec<_> = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "Terraform is asked once, whatever is to be known: {files:?}");
        fs::read_to_string(&files[0]).unwrap()
    }
}

fn facts(plan: &str) -> PlanFacts {
    PlanFacts::read(plan.as_bytes(), &ResourceTypes::default(), &BTreeSet::new()).unwrap()
}

/// Keeps a plan for the tests of the domain, where that is asked for.
fn keep(name: &str, plan: &str, more: &[(&str, &str)]) {
    let Some(folder) = tools::kept_plans() else { return };
    let mut text = plan.replace("registry.terraform.io/", "registry.example/");
    for (from, to) in more {
        text = text.replace(from, to);
    }
    fs::write(folder.join(format!("{name}.json")), text).unwrap();
}

fn line(change: &ResourceChange) -> String {
    let mut text = format!("{} {}", change.action.as_str(), change.address);
    if let Some(previous) = &change.previous_address {
        let _ = write!(text, " (was {previous})");
    }
    if change.traits.is_stateful {
        text.push_str(", stateful");
    }
    if change.traits.is_irreversible {
        text.push_str(", irreversible");
    }
    if let Some(reason) = &change.reason {
        let _ = write!(text, ", {reason}");
    }
    if !change.because.is_empty() {
        let _ = write!(text, " because of {}", change.because.join(", "));
    }
    for one in &change.attributes {
        let _ = write!(text, "\n  {}: {} -> {}", one.path, one.before, one.after);
    }
    text
}

fn lines(facts: &PlanFacts) -> String {
    let mut text = String::new();
    for change in &facts.resources {
        let _ = writeln!(text, "{}", line(change));
    }
    for change in &facts.drift {
        let _ = writeln!(text, "drift: {}", line(change));
    }
    for output in &facts.outputs {
        let unknown = if output.is_unknown { ", unknown" } else { "" };
        let sensitive = if output.is_sensitive { ", sensitive" } else { "" };
        let _ = writeln!(text, "{} output {}{unknown}{sensitive}", output.action.as_str(), output.name);
    }
    let _ = writeln!(text, "{} unchanged, complete: {}, errored: {}", facts.unchanged, facts.complete, facts.errored);
    text
}

#[test]
fn what_a_plan_on_the_sandbox_does_is_known_and_no_secret_of_it() {
    let Some(terraform) = tools::terraform() else { return };
    let desk = Desk::with(&terraform, FILES);
    desk.ok(&["deliver", "--confirm", "dev"]).says(&["1 applied"]);
    desk.ok(&["sandbox", "tamper", "database/orders", "--set", "size_gb=20"]);
    let main = "stacks/all/main.tf";
    desk.edit(
        main,
        "\"postgres\"\n  version    = \"15\"\n  size_gb    = 10",
        "\"mysql\"\n  version    = \"8\"\n  size_gb    = 20",
    );
    desk.edit(main, "\"hunter2\"", "\"hunter3\"");
    desk.edit(main, "[\"a.b\", \"c\"]", "[\"a.b\", \"d\"]");
    desk.edit(main, "\"old_name\" {", "\"new_name\" {");
    desk.edit(main, "resource \"sandbox_aws_bucket\" \"forgotten\" {\n  name = \"forgotten\"\n}\n", "");
    desk.edit(
        main,
        "output \"engine\" {",
        "moved {\n  from = sandbox_aws_bucket.old_name\n  to   = sandbox_aws_bucket.new_name\n}\n\
         removed {\n  from = sandbox_aws_bucket.forgotten\n  lifecycle {\n    destroy = false\n  }\n}\n\
         output \"endpoint\" {\n  value = sandbox_aws_database.orders.endpoint\n}\noutput \"motor\" {",
    );
    desk.commit("Change everything");
    let shown = Shown::of(&desk, &terraform);
    desk.run(&["deliver"]).expect(3);
    let plan = shown.plan();
    assert!(plan.contains("hunter2") && plan.contains("hunter3"), "the plan itself tells secrets");
    let facts = facts(&plan);
    assert!(!format!("{facts:?}").contains("hunter"), "{facts:?}");
    let mut filters = insta::Settings::clone_current();
    filters.add_filter(r"[0-9a-f]{8}\b", "[id]");
    let _filters = filters.bind_to_scope();
    assert_snapshot!(lines(&facts), @r#"
    delete sandbox_aws_bucket.each["c"], stateful, irreversible, delete_because_each_key
    create sandbox_aws_bucket.each["d"], stateful, irreversible
    forget sandbox_aws_bucket.forgotten, stateful, irreversible, delete_because_no_resource_config
    keep sandbox_aws_bucket.new_name (was sandbox_aws_bucket.old_name), stateful, irreversible
    replace sandbox_aws_database.orders, stateful, replace_because_cannot_update because of engine
      endpoint: "orders-[id].database.eu-west-1.aws.sandbox.test" -> (known after apply)
      engine: "postgres" -> "mysql"
      id: "aws-database-[id]" -> (known after apply)
      password: (sensitive) -> (known after apply)
      region: "eu-west-1" -> (known after apply)
      version: "15" -> "8"
    update sandbox_aws_secret.token
      value: (sensitive) -> (sensitive)
      version: 1 -> (known after apply)
    drift: update sandbox_aws_database.orders, stateful
      size_gb: 10 -> 20
    create output endpoint, unknown
    delete output engine
    create output motor
    update output token, sensitive
    4 unchanged, complete: true, errored: false
    "#);
    keep("sandbox", &plan, &[]);
}

#[test]
fn what_a_plan_on_the_real_aws_provider_does_is_known() {
    let (Some(tools_folder), Some(terraform)) = (tools::aws(), tools::terraform()) else { return };
    let emulator = Emulator::start(&tools_folder);
    emulator.make_bucket(BUCKET);
    let desk = example(&terraform, &tools_folder, &emulator);
    desk.ok(&["deliver", "--env", "emulator", "network"]).says(&["1 applied"]);
    desk.edit("terrace.hcl", "environment \"emulator\" {", "environment \"emulator\" {\n  protected = true");
    desk.edit("terrace.hcl", "10.10.0.0/16", "10.20.0.0/16");
    desk.commit("Another network, and ask before");
    let shown = Shown::of(&desk, &terraform);
    desk.run(&["deliver", "--env", "emulator", "network"]).expect(3);
    let plan = shown.plan();
    let facts = facts(&plan);
    let told = lines(&facts);
    let vpc = facts.resources.iter().find(|change| change.resource_type == "aws_vpc").expect("it is replaced");
    assert!(vpc.action.takes_away() && vpc.because == ["cidr_block"] && vpc.unknowns > 3, "{vpc:?}");
    assert_eq!(vpc.reason.as_deref(), Some("replace_because_cannot_update"));
    let cidr = vpc.attributes.iter().find(|one| one.path == "cidr_block").expect("it changes");
    assert_eq!((cidr.before.as_str(), cidr.after.as_str()), ("\"10.10.0.0/16\"", "\"10.20.0.0/16\""));
    let id = vpc.attributes.iter().find(|one| one.path == "id").expect("another one");
    assert_eq!(id.after, "(known after apply)");
    let is_replaced =
        |kind: &str| facts.resources.iter().any(|one| one.resource_type == kind && one.action.takes_away());
    assert!(is_replaced("aws_subnet"), "{told}");
    let eip = facts.resources.iter().find(|one| one.resource_type == "aws_eip");
    assert!(eip.is_none_or(|one| one.traits.is_irreversible), "{told}");
    assert!(facts.outputs.iter().any(|one| one.is_unknown) && facts.complete && !facts.errored, "{told}");
    keep("aws", &plan, &[(emulator.address(), "127.0.0.1:5000")]);
}
