//! The text of generated stacks: `stack.hcl` and five `.tf` files each.

mod resources;

use std::fmt::Write;

use super::File;
use super::layout::{Kind, Layout, ModuleKind, Stack};
use super::root::SHARED_TAGS;

pub(super) fn files(layout: &Layout, stack: &Stack) -> Vec<File> {
    let folder = stack.folder();
    let inputs = inputs(layout, stack);
    let path = |name: &str| format!("{folder}/{name}");
    vec![
        (path("stack.hcl"), stack_file(stack, &inputs)),
        (path("main.tf"), main_file(layout, stack)),
        (path("variables.tf"), variables_file(&inputs)),
        (path("outputs.tf"), outputs_file(layout, stack)),
        (path("versions.tf"), VERSIONS.to_owned()),
        (path("providers.tf"), PROVIDERS.to_owned()),
    ]
}

/// The `stack.hcl` in the middle of the estate as the second commit has it.
pub(super) fn changed(layout: &Layout) -> File {
    let stack = &layout.stacks[layout.stacks.len() / 2];
    let (path, text) = files(layout, stack).swap_remove(0);
    (path, text.replace("= env.retention_days\n", "= env.retention_days + 1\n"))
}

/// A variable of a stack and what it is given.
struct Input {
    name: &'static str,
    of_type: &'static str,
    description: &'static str,
    value: String,
}

fn inputs(layout: &Layout, stack: &Stack) -> Vec<Input> {
    let input = |name, of_type, description, value: String| Input { name, of_type, description, value };
    let base = |output: &str| {
        stack.base.map(|base| format!("stack.{}.{output}", layout.stacks[base].name())).unwrap_or_default()
    };
    let mut all = vec![
        input("environment", "string", "The environment's name.", "env.name".to_owned()),
        input("region", "string", "The cloud's region.", format!("env.{}_region", stack.cloud)),
        input("retention_days", "number", "How long logs are kept, in days.", "env.retention_days".to_owned()),
    ];
    match stack.kind {
        Kind::Network => {
            all.push(input("cidr", "string", "The network's addresses, such as 10.0.0.0/16.", "env.cidr".to_owned()));
            all.push(input(
                "zones",
                "list(string)",
                "The letters of the zones that get a subnet.",
                "env.zones".to_owned(),
            ));
        }
        Kind::Storage => {}
        Kind::Cluster => {
            all.push(input("network_id", "string", "The network that the cluster is in.", base("network_id")));
            all.push(input("subnet_ids", "list(string)", "The subnets that the nodes are in.", base("subnet_ids")));
            all.push(input("kubernetes_version", "string", "Major and minor.", "env.kubernetes_version".to_owned()));
            all.push(input("nodes", "number", "How many nodes there are.", "env.nodes".to_owned()));
        }
        Kind::Database => {
            all.push(input("network_id", "string", "The network that the database is in.", base("network_id")));
            all.push(input("size_gb", "number", "The disk's size.", "env.database_gb".to_owned()));
        }
        Kind::Service => {
            all.push(input("cluster_id", "string", "The cluster that the service runs on.", base("cluster_id")));
            all.push(input("replicas", "number", "How many copies run.", "max(env.replicas, 1)".to_owned()));
        }
        Kind::Naming => {
            let domain = "\"${stack.name}.${env.domain}\"".to_owned();
            all.push(input("domain", "string", "The domain of the zone.", domain));
        }
    }
    if !stack.addresses.is_empty() {
        let read: Vec<_> =
            stack.addresses.iter().map(|at| format!("stack.{}.address", layout.stacks[*at].name())).collect();
        all.push(input(
            "upstream",
            "list(string)",
            "Where the stacks answer that this one calls.",
            format!("[{}]", read.join(", ")),
        ));
    }
    all
}

fn stack_file(stack: &Stack, inputs: &[Input]) -> String {
    let (capability, description) = match stack.kind {
        Kind::Network => ("network", "A private network with a subnet in each zone"),
        Kind::Storage => ("storage", "Buckets for data and for logs"),
        Kind::Cluster => ("container-platform", "A Kubernetes cluster with its nodes and its way in"),
        Kind::Database => ("databases", "A relational database and its password"),
        Kind::Service => ("checkout", "A service that customers use"),
        Kind::Naming => ("naming", "A zone with the names of what it reads"),
    };
    let mut text =
        format!("stack \"{}\" {{\n  capability  = \"{capability}\"\n  description = \"{description}\"\n", stack.name());
    if stack.watches {
        writeln!(text, "  watch       = [\"{SHARED_TAGS}\"]").expect("a String takes all");
    }
    text.push_str("  inputs = {\n");
    let width = inputs.iter().map(|input| input.name.len()).max().unwrap_or(0);
    for Input { name, value, .. } in inputs {
        writeln!(text, "    {name:width$} = {value}").expect("a String takes all");
    }
    text.push_str("  }\n}\n");
    text
}

fn main_file(layout: &Layout, stack: &Stack) -> String {
    let up = "../../..";
    let mut tags =
        vec!["module.labels.tags".to_owned(), "{ retention_days = tostring(var.retention_days) }".to_owned()];
    if !stack.addresses.is_empty() {
        tags.push("{ upstream = join(\" \", var.upstream) }".to_owned());
    }
    if stack.watches {
        tags.push(format!("jsondecode(file(\"${{path.module}}/{up}/{SHARED_TAGS}\"))"));
    }
    let labels = layout.modules[stack.labels(layout)].folder();
    let mut text = format!(
        "module \"labels\" {{\n  source = \"{up}/{labels}\"\n\n  environment = var.environment\n  component   = \"{}\"\n}}\n\n",
        stack.name()
    );
    if let Some(module) = stack.module {
        let folder = layout.modules[module].folder();
        write!(
            text,
            "module \"support\" {{\n  source = \"{up}/{folder}\"\n\n  environment    = var.environment\n  name           = module.labels.name\n  \
             retention_days = var.retention_days\n{}}}\n\n",
            if layout.modules[module].kind == ModuleKind::Limits { "" } else { "  tags           = local.tags\n" },
        )
        .expect("a String takes all");
    }
    write!(text, "locals {{\n  tags = merge(\n    {},\n  )\n}}\n\n", tags.join(",\n    ")).expect("a String takes all");
    let records = if stack.addresses.is_empty() { "[]" } else { "var.upstream" };
    text.push_str(&resources::main(stack.kind).replace("@cloud@", stack.cloud).replace("@records@", records));
    text
}

fn variables_file(inputs: &[Input]) -> String {
    let blocks: Vec<_> = inputs
        .iter()
        .map(|Input { name, of_type, description, .. }| {
            format!("variable \"{name}\" {{\n  type        = {of_type}\n  description = \"{description}\"\n}}\n")
        })
        .collect();
    blocks.join("\n")
}

fn outputs_file(_: &Layout, stack: &Stack) -> String {
    let mut text = resources::outputs(stack.kind).replace("@cloud@", stack.cloud);
    if stack.module.is_some() {
        text.push_str("\noutput \"support\" {\n  description = \"What supports the stack.\"\n  value       = module.support.summary\n}\n");
    }
    text
}

const VERSIONS: &str = r#"terraform {
  required_version = ">= 1.9"

  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}
"#;

const PROVIDERS: &str = r#"provider "sandbox" {
  region = var.region
}
"#;
