//! The text of generated modules.

use super::File;
use super::layout::{Layout, Module, ModuleKind};

const VARIABLES_AT: usize = 1;

pub(super) fn files(layout: &Layout, module: &Module) -> Vec<File> {
    let called = module.calls(layout).map(|index| layout.modules[index].name()).unwrap_or_default();
    let (main, variables, outputs) = match module.kind {
        ModuleKind::Labels => (LABELS_MAIN, LABELS_VARIABLES, LABELS_OUTPUTS),
        ModuleKind::Limits => (LIMITS_MAIN, SHARED_VARIABLES, LIMITS_OUTPUTS),
        ModuleKind::Archive => (ARCHIVE_MAIN, SHARED_VARIABLES, ARCHIVE_OUTPUTS),
        ModuleKind::Secrets => (SECRETS_MAIN, SHARED_VARIABLES, SECRETS_OUTPUTS),
    };
    // `changed` finds the variables by `VARIABLES_AT`.
    let mut files = vec![("main.tf", main), ("variables.tf", variables), ("outputs.tf", outputs)];
    if matches!(module.kind, ModuleKind::Archive | ModuleKind::Secrets) {
        files.push(("versions.tf", VERSIONS));
    }
    let filled = |text: &str| text.replace("@cloud@", module.cloud).replace("@called@", &called);
    files.into_iter().map(|(name, text)| (format!("{}/{name}", module.folder()), filled(text))).collect()
}

/// The variables of the module that the second commit changes, as it has them.
pub(super) fn changed(layout: &Layout) -> File {
    let module = layout.changed_module();
    let (path, text) = files(layout, module).swap_remove(VARIABLES_AT);
    (path, text.replace("default     = 30", "default     = 31"))
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

const LABELS_MAIN: &str = r#"# Names and tags for everything that a stack makes: one place to change them.
locals {
  estate = "generated"
  prefix = lower(join("-", compact([local.estate, var.environment, var.component])))

  tags = {
    estate      = local.estate
    environment = var.environment
    component   = var.component
    managed_by  = "terrace"
  }
}
"#;
const LABELS_VARIABLES: &str = r#"variable "environment" {
  type        = string
  description = "The environment's name."
}

variable "component" {
  type        = string
  description = "What the labelled things are a part of."
}
"#;
const LABELS_OUTPUTS: &str = r#"output "name" {
  description = "The beginning of the names of all things in this stack."
  value       = local.prefix
}

output "tags" {
  description = "Tags that tell where a thing belongs."
  value       = local.tags
}
"#;
const SHARED_VARIABLES: &str = r#"variable "environment" {
  type        = string
  description = "The environment's name."
}

variable "name" {
  type        = string
  description = "The beginning of the names of what the module makes."

  validation {
    condition     = length(var.name) > 2
    error_message = "The name must have more than two characters."
  }
}

variable "retention_days" {
  type        = number
  description = "How long what is kept is kept, in days."
  default     = 30
}

variable "tags" {
  type        = map(string)
  description = "Tags for everything that the module makes."
  default     = {}
}
"#;
const LIMITS_MAIN: &str = r#"# How much of everything there may be, by environment.
locals {
  sizes = {
    dev     = { replicas = 1, memory_mb = 512 }
    staging = { replicas = 2, memory_mb = 1024 }
    prod    = { replicas = 6, memory_mb = 4096 }
  }
  size = lookup(local.sizes, var.environment, local.sizes.dev)

  summary = "${var.name}: ${local.size.replicas} x ${local.size.memory_mb} MB, ${var.retention_days} days"
}
"#;
const LIMITS_OUTPUTS: &str = r#"output "summary" {
  description = "The limits in a line."
  value       = local.summary
}

output "replicas" {
  description = "The most copies of a service."
  value       = local.size.replicas
}
"#;
const ARCHIVE_MAIN: &str = r#"module "labels" {
  source = "../@called@"

  environment = var.environment
  component   = "archive"
}

# What must be kept, and for how long.
resource "sandbox_@cloud@_bucket" "archive" {
  name       = "${var.name}-archive"
  versioning = true
  tags       = merge(module.labels.tags, var.tags, { retention_days = tostring(var.retention_days) })
}
"#;
const ARCHIVE_OUTPUTS: &str = r#"output "summary" {
  description = "Where the archive is."
  value       = sandbox_@cloud@_bucket.archive.url
}

output "tags" {
  description = "The tags of the archive."
  value       = module.labels.tags
}
"#;
const SECRETS_MAIN: &str = r#"module "archive" {
  source = "../@called@"

  environment    = var.environment
  name           = var.name
  retention_days = var.retention_days
  tags           = var.tags
}

resource "sandbox_@cloud@_vault" "this" {
  name = "${var.name}-secrets"
  tags = merge(module.archive.tags, var.tags)
}

resource "sandbox_@cloud@_secret" "signing" {
  name     = "signing-key"
  vault_id = sandbox_@cloud@_vault.this.id
  value    = sha256("${var.name}-signing")
  tags     = var.tags
}
"#;
const SECRETS_OUTPUTS: &str = r#"output "summary" {
  description = "Where the vault answers."
  value       = sandbox_@cloud@_vault.this.uri
}

output "secret_id" {
  description = "The key that signs."
  value       = sandbox_@cloud@_secret.signing.id
}
"#;
