//! Loading `terrace.hcl` and `stack.hcl`.

use terrace_config::fixture::MemoryTree;
use terrace_config::load_estate;
use terrace_domain::path::RepoPath;

const HARBOUR: &str = r#"
//- terrace.hcl
estate "harbour" {
  terraform {
    binary   = "terraform"
    version  = ">= 1.9"
    pass_env = ["VAULT_*"]
  }
  state "s3" {
    bucket = "states-${env.name}"
    key    = "${env.name}/${stack.name}.tfstate"
  }
}
environment "dev" {
  vars = { region = "eu-west-1", nodes = 1 }
}
environment "prod" {
  vars      = { region = "eu-west-1", nodes = 2 * 3 }
  protected = true
}
capability "checkout" {
  layer = "business"
  owner = "team-shop"
  needs = ["container-platform"]
}
capability "container-platform" {
  layer       = "technology"
  owner       = "team-platform"
  description = "Runs containers"
}
pipeline {
  stage "test" { rehearse = ["zero", "upgrade"] }
  stage "dev" { environment = "dev" }
  stage "prod" {
    environment = "prod"
    gate "evidence" { of = ["zero", "upgrade"] }
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
//- stacks/aws/network/stack.hcl
stack "aws-network" {
  description = "The network"
}
//- stacks/aws/cluster/stack.hcl
stack "aws-cluster" {
  capability = "container-platform"
  watch      = ["policies/**/*.rego", "../shared"]
  depends_on = [stack.dns]
  inputs = {
    network_id = stack.aws-network.network_id
    nodes      = env.nodes
    subnets    = [for s in stack["aws-network"].subnets : "${stack.name}-${s}"]
  }
}
//- stacks/dns/stack.hcl
stack "dns" {}
//- stacks/dns/.terraform/modules/x/stack.hcl
stack "not-walked" {}
//- other/terrace.hcl
not read here
//- other/stacks/x/stack.hcl
neither is this
"#;

#[test]
fn an_estate_is_loaded() {
    let tree = MemoryTree::parse(HARBOUR);
    let loaded = load_estate(&tree, &RepoPath::root());
    assert_eq!(loaded.diagnostics, []);
    let estate = loaded.usable().unwrap();
    let names: Vec<_> = estate.stacks.keys().map(terrace_domain::name::StackName::as_str).collect();
    assert_eq!(names, ["aws-cluster", "aws-network", "dns"]);
    let cluster = &estate.stacks["aws-cluster"];
    assert_eq!((cluster.owner.as_deref(), estate.owner_of(cluster)), (None, Some("team-platform")));
    assert_eq!(cluster.watch[0].pattern, "policies/**/*.rego");
    assert_eq!(cluster.watch[1].pattern, "stacks/aws/shared");
    let targets: Vec<_> = cluster.references.iter().map(|reference| reference.target.to_string()).collect();
    assert_eq!(targets, ["stack.aws-network.network_id", "env.nodes", "stack.aws-network.subnets", "stack.name"]);
    assert_eq!(estate.environments["prod"].vars["nodes"], serde_json::json!(6).into());
}
