//! What a generated estate has beside stacks and modules: `terrace.hcl` and the file that stacks watch.

use super::File;
use super::layout::Layout;

/// The file that stacks name in `watch`.
pub(super) const SHARED_TAGS: &str = "shared/tags.json";

pub(super) fn files(layout: &Layout) -> Vec<File> {
    let estate = format!("# A generated estate of {} stacks.\n{ESTATE}", layout.stacks.len());
    let tags = "{\n  \"cost-centre\": \"4711\",\n  \"data-class\": \"internal\"\n}\n";
    vec![
        ("terrace.hcl".to_owned(), estate),
        (SHARED_TAGS.to_owned(), tags.to_owned()),
        (".gitignore".to_owned(), ".terrace/\n.terraform/\n".to_owned()),
    ]
}

const ESTATE: &str = r#"estate "generated" {
  terraform {
    version = ">= 1.9"
  }
  state "local" {}
}

environment "dev" {
  vars = {
    aws_region         = "eu-west-1"
    google_region      = "europe-west1"
    cidr               = "10.10.0.0/16"
    zones              = ["a", "b"]
    domain             = "dev.example.com"
    kubernetes_version = "1.33"
    nodes              = 1
    database_gb        = 20
    retention_days     = 7
    replicas           = 1
  }
}

environment "staging" {
  vars = {
    aws_region         = "eu-west-1"
    google_region      = "europe-west1"
    cidr               = "10.20.0.0/16"
    zones              = ["a", "b"]
    domain             = "staging.example.com"
    kubernetes_version = "1.33"
    nodes              = 2
    database_gb        = 50
    retention_days     = 30
    replicas           = 2
  }
}

environment "prod" {
  vars = {
    aws_region         = "eu-west-1"
    google_region      = "europe-west1"
    cidr               = "10.30.0.0/16"
    zones              = ["a", "b", "c"]
    domain             = "example.com"
    kubernetes_version = "1.33"
    nodes              = 6
    database_gb        = 500
    retention_days     = 365
    replicas           = 6
  }
  protected = true
}

capability "checkout" {
  layer       = "business"
  owner       = "team-shop"
  description = "Customers buy and pay"
  needs       = ["container-platform", "databases", "naming"]
}

capability "continuity" {
  layer       = "business"
  owner       = "team-risk"
  description = "The business goes on after the loss of a region"
  needs       = ["databases", "storage"]
}

capability "container-platform" {
  layer       = "technology"
  owner       = "team-platform"
  description = "A place to run containers"
  needs       = ["network"]
}

capability "network" {
  layer       = "technology"
  owner       = "team-network"
  description = "Private networks with room in every zone"
}

capability "naming" {
  layer       = "technology"
  owner       = "team-network"
  description = "Names on the internet"
}

capability "databases" {
  layer       = "technology"
  owner       = "team-data"
  description = "Relational databases, with their passwords in a vault"
  needs       = ["network"]
}

capability "storage" {
  layer       = "technology"
  owner       = "team-data"
  description = "Buckets for data and logs"
}

pipeline {
  stage "dev" { environment = "dev" }

  stage "staging" {
    environment = "staging"
    gate "blast_radius" {
      max_share = 0.5
    }
  }

  stage "prod" {
    environment = "prod"
    gate "blast_radius" {
      max_destroys = 0
      max_share    = 0.25
      stateful     = "approve"
    }
    gate "approval" {
      by    = ["team-platform"]
      count = 1
    }
  }
}
"#;
