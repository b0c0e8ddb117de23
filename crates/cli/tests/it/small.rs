//! The small estate of most tests: `base` -> `middle` -> `top` in a chain, `side` beside them. One bucket each, on the sandbox cloud.

use std::path::Path;

use crate::desk::Desk;

/// Its files. `middle` reads an output of `base` that is known before an apply; `top` reads one of `middle` that is not.
pub(crate) const FILES: &str = r#"
//- terrace.hcl
estate "small" {
  state "local" {}
}

environment "dev" {
  vars = { region = "eu-west-1", colour = "blue" }
}
environment "test" {
  vars = { region = "eu-west-2", colour = "blue" }
}
environment "prod" {
  vars      = { region = "eu-west-3", colour = "blue" }
  protected = true
}

pipeline {
  stage "dev" { environment = "dev" }
  stage "test" { environment = "test" }
  stage "prod" { environment = "prod" }
}
//- shared/notes.txt
read by side
//- modules/labels/outputs.tf
output "tags" {
  value = { team = "one" }
}
//- modules/store/main.tf
terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}

module "labels" {
  source = "../labels"
}

resource "sandbox_aws_bucket" "this" {
  name = var.name
  tags = merge(module.labels.tags, var.tags)
}
//- modules/store/variables.tf
variable "name" {
  type = string
}
variable "tags" {
  type    = map(string)
  default = {}
}
//- modules/store/outputs.tf
output "url" {
  value = sandbox_aws_bucket.this.url
}
//- modules/unused/main.tf
output "nothing" {
  value = 1
}
//- stacks/base/stack.hcl
stack "base" {
  inputs = {
    name   = "base-${env.name}"
    region = env.region
  }
}
//- stacks/base/main.tf
terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}

variable "name" {
  type = string
}
variable "region" {
  type = string
}

provider "sandbox" {
  region = var.region
}

module "store" {
  source = "../../modules/store"
  name   = var.name
  tags   = { use = "base" }
}

output "label" {
  value = "one"
}
output "url" {
  value = module.store.url
}
//- stacks/middle/stack.hcl
stack "middle" {
  inputs = {
    name   = "middle-${env.name}"
    region = env.region
    label  = stack.base.label
  }
}
//- stacks/middle/main.tf
terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}

variable "name" {
  type = string
}
variable "region" {
  type = string
}
variable "label" {
  type = string
}

provider "sandbox" {
  region = var.region
}

resource "sandbox_aws_bucket" "this" {
  name = var.name
  tags = { label = var.label }
}

output "url" {
  value = sandbox_aws_bucket.this.url
}
//- stacks/top/stack.hcl
stack "top" {
  inputs = {
    name   = "top-${env.name}"
    region = env.region
    below  = stack.middle.url
  }
}
//- stacks/top/main.tf
terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}

variable "name" {
  type = string
}
variable "region" {
  type = string
}
variable "below" {
  type = string
}

provider "sandbox" {
  region = var.region
}

resource "sandbox_aws_bucket" "this" {
  name = var.name
  tags = { below = var.below }
}
//- stacks/side/stack.hcl
stack "side" {
  watch = ["shared/*.txt"]
  inputs = {
    name   = "side-${env.name}"
    region = env.region
    colour = env.colour
  }
}
//- stacks/side/main.tf
terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}

variable "name" {
  type = string
}
variable "region" {
  type = string
}
variable "colour" {
  type = string
}

provider "sandbox" {
  region = var.region
}

resource "sandbox_aws_bucket" "this" {
  name = var.name
  tags = { colour = var.colour }
}
"#;

/// The small estate, committed.
pub(crate) fn estate(terraform: &Path) -> Desk {
    Desk::with(terraform, FILES)
}

/// The small estate, committed and delivered to `dev`.
pub(crate) fn delivered(terraform: &Path) -> Desk {
    let desk = estate(terraform);
    desk.ok(&["deliver", "--to", "dev"]);
    desk
}
