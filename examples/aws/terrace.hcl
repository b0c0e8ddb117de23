# Three stacks on the real AWS provider. README.md says how to run them on an emulator and on AWS.
estate "landing" {
  terraform {
    version = ">= 1.10" # the first with use_lockfile in the s3 backend
  }

  # One bucket an environment, one key an instance, and a lock file beside the state in place of a lock table.
  state "s3" {
    bucket       = env.state_bucket
    key          = "${env.name}/${stack.name}/terraform.tfstate"
    region       = env.region
    encrypt      = true
    use_lockfile = true

    # An emulator answers on one address, knows no virtual-hosted buckets, and has nobody to ask for an account.
    endpoints                   = { s3 = env.endpoint }
    use_path_style              = env.endpoint != null
    skip_credentials_validation = env.endpoint != null
    skip_requesting_account_id  = env.endpoint != null
    skip_metadata_api_check     = env.endpoint != null
    skip_region_validation      = env.endpoint != null
    skip_s3_checksum            = env.endpoint != null
  }
}

environment "emulator" {
  vars = {
    endpoint             = "http://127.0.0.1:5000"
    state_bucket         = "landing-emulator-state"
    region               = "eu-west-1"
    cidr                 = "10.10.0.0/16"
    zones                = 2
    nodes                = { min = 1, desired = 1, max = 2 }
    instance_type        = "t3.medium"
    kubernetes_version   = "1.31"
    recovery_window_days = 0
  }
}

environment "prod" {
  vars = {
    endpoint             = null # the real AWS
    state_bucket         = "landing-prod-state"
    region               = "eu-west-1"
    cidr                 = "10.20.0.0/16"
    zones                = 3
    nodes                = { min = 3, desired = 3, max = 9 }
    instance_type        = "m6i.large"
    kubernetes_version   = "1.31"
    recovery_window_days = 30
  }
  protected = true
}

capability "container-platform" {
  layer       = "technology"
  owner       = "team-platform"
  description = "A place to run containers, with its network"
  needs       = ["network", "secrets"]
}

capability "network" {
  layer = "technology"
  owner = "team-network"
}

capability "secrets" {
  layer = "technology"
  owner = "team-security"
}

# A rehearsal's secrets are gone at once: they are nobody's to restore.
rehearsals {
  vars = { recovery_window_days = 0 }
}

pipeline {
  stage "emulator" { environment = "emulator" }
  stage "prod" {
    environment = "prod"
    gate "blast_radius" {
      max_destroys = 0
      stateful     = "approve"
    }
    gate "approval" {
      by    = ["team-platform"]
      count = 1
    }
  }
}
