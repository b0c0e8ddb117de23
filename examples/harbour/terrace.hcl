# The whole infrastructure of Harbour, a shop that runs on two clouds. README.md tells what there is.
estate "harbour" {
  terraform {
    version = ">= 1.9"
  }
  state "local" {}
}

environment "dev" {
  vars = {
    aws_region         = "eu-west-1"
    aws_cidr           = "10.10.0.0/16"
    google_region      = "europe-west1"
    google_cidr        = "10.11.0.0/16"
    zones              = ["a", "b"]
    domain             = "dev.harbour.example"
    kubernetes_version = "1.33"
    nodes              = 1
    database_gb        = 20
    keep_databases     = false
    shop_image         = "harbour/shop:2.8.0"
    shop_replicas      = 1
  }
}

environment "staging" {
  vars = {
    aws_region         = "eu-west-1"
    aws_cidr           = "10.20.0.0/16"
    google_region      = "europe-west1"
    google_cidr        = "10.21.0.0/16"
    zones              = ["a", "b"]
    domain             = "staging.harbour.example"
    kubernetes_version = "1.33"
    nodes              = 2
    database_gb        = 50
    keep_databases     = false
    shop_image         = "harbour/shop:2.8.0"
    shop_replicas      = 2
  }
}

environment "prod" {
  vars = {
    aws_region         = "eu-west-1"
    aws_cidr           = "10.30.0.0/16"
    google_region      = "europe-west1"
    google_cidr        = "10.31.0.0/16"
    zones              = ["a", "b", "c"]
    domain             = "harbour.example"
    kubernetes_version = "1.33"
    nodes              = 6
    database_gb        = 500
    keep_databases     = true
    shop_image         = "harbour/shop:2.7.4"
    shop_replicas      = 6
  }
  protected = true
}

# Rehearsals have environments of their own: like dev, each under a domain of its own, and with nothing in them that is to be kept.
# All other names are made of the environment's, so that several rehearsals can be under way at once.
rehearsals {
  like = "dev"
  vars = {
    domain         = "${env.name}.harbour.example"
    keep_databases = false
  }
}

# What was lost runs again within half an hour, and that is practised every month.
recovery {
  rto   = "30m"
  every = "30d"
}

# What the business can do, and what that rests on.
capability "checkout" {
  layer       = "business"
  owner       = "team-shop"
  description = "Customers buy and pay"
  needs       = ["container-platform", "databases", "naming", "secrets"]
}

capability "continuity" {
  layer       = "business"
  owner       = "team-risk"
  description = "The business goes on after the loss of a region"
  needs       = ["backup", "databases"]
}

capability "container-platform" {
  layer       = "technology"
  owner       = "team-platform"
  description = "A place to run containers, on either cloud"
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
  description = "Names on the internet for what runs here"
}

capability "secrets" {
  layer       = "technology"
  owner       = "team-security"
  description = "Keys and passwords, kept where only their users reach them"
}

capability "databases" {
  layer       = "technology"
  owner       = "team-data"
  description = "Relational databases, with their passwords in the vault"
  needs       = ["network", "secrets"]
}

capability "backup" {
  layer       = "technology"
  owner       = "team-data"
  description = "Copies of the data, each on the other cloud"
}

# Who decides together. "*" stands for everybody, so that you can try the example under your own name; name people (`ada`, or what
# `id -un` says) in an estate of your own.
team "team-platform" {
  members = ["*"]
}

pipeline {
  stage "dev" { environment = "dev" }
  stage "staging" { environment = "staging" }

  stage "prod" {
    environment = "prod"
    # What customers trust us with is not lost: policies say so (policy/), and nothing is destroyed unless somebody breaks the glass.
    gate "policy" {}
    gate "blast_radius" {
      max_destroys = 0
      irreversible = "refuse"
    }
    gate "approval" {
      by    = ["team-platform"]
      count = 1
    }
  }
}
