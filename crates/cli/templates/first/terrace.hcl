# An estate: all infrastructure of this repository. `terrace validate` checks it, `terrace deliver` delivers what is committed.
estate "ESTATE" {
  terraform {
    version = ">= 1.3"
  }
  state "local" {} # or "s3", "gcs", "azurerm", "http", with their settings
}

# Where instances of the stacks live. Stacks read these values as env.region.
environment "dev" {
  vars = { region = "eu-west-1" }
}

# The stages that a change goes through, in this order.
pipeline {
  stage "dev" { environment = "dev" }
}
