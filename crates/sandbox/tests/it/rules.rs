//! The cloud's own rules, in the cloud's own words.

use crate::estate::network;
use crate::terraform::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_is_not_deleted() {
    let sandbox = Sandbox::new().await;
    let networks = sandbox.stack("networks", &(network("main") + &network("main").replace("aws", "google"))).await;
    networks.apply().await.succeeded();
    let vaults = |vendor: &str| {
        format!(
            r#"
data "sandbox_{vendor}_network" "main" {{
  name = "main"
}}
resource "sandbox_{vendor}_load_balancer" "main" {{
  name       = "in"
  network_id = data.sandbox_{vendor}_network.main.id
}}
"#
        )
    };
    let users = sandbox.stack("users", &(vaults("aws") + &vaults("google"))).await;
    users.apply().await.succeeded();
    let said = networks.destroy().await.failed_with("DependencyViolation: the network 'aws-network-");
    assert!(said.contains("resourceInUseByAnotherResource: the network"), "{said}");
    assert_eq!(sandbox.count(), 4);
    users.destroy().await.succeeded();
    networks.destroy().await.succeeded();
    assert_eq!(sandbox.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn references_must_exist() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox
        .stack(
            "lost",
            r#"
resource "sandbox_google_subnet" "main" {
  name       = "a"
  network_id = "google-network-00000000"
  cidr       = "10.0.0.0/24"
}
"#,
        )
        .await;
    stack.apply().await.failed_with("notFound: the network 'google-network-00000000' does not exist");
    assert_eq!(sandbox.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_stay_inside_and_apart() {
    let subnets = |second: &str| {
        network("main")
            + &format!(
                r#"
resource "sandbox_aws_subnet" "first" {{
  name       = "first"
  network_id = sandbox_aws_network.main.id
  cidr       = "10.0.0.0/24"
}}
resource "sandbox_aws_subnet" "second" {{
  name       = "second"
  network_id = sandbox_aws_network.main.id
  cidr       = "{second}"
  depends_on = [sandbox_aws_subnet.first]
}}
"#
            )
    };
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("subnets", &subnets("10.1.0.0/24")).await;
    stack.apply().await.failed_with("InvalidSubnet.Conflict: 10.1.0.0/24 is not inside 10.0.0.0/16");
    stack.write(&subnets("10.0.0.128/25"));
    stack.apply().await.failed_with("10.0.0.128/25 overlaps 10.0.0.0/24");
    stack.write(&subnets("10.0.1.1/24"));
    stack.run(&["validate"]).await.failed_with("`cidr` has address bits below its mask");
    stack.write(&subnets("10.0.1.0/24"));
    stack.apply().await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_where_they_must_be() {
    let sandbox = Sandbox::new().await;
    let bucket = |region: &str| {
        format!(
            r#"
resource "sandbox_aws_bucket" "main" {{
  name   = "archive"
  region = "{region}"
}}
"#
        )
    };
    sandbox.stack("first", &(network("main") + &bucket("eu-west-1"))).await.apply().await.succeeded();
    let second = sandbox.stack("second", &bucket("us-east-1")).await;
    second.apply().await.failed_with("ResourceAlreadyExists: a bucket named 'archive' exists already");
    second.write(&network("main"));
    second.apply().await.failed_with("a network named 'main' exists already");
    second.write(&network("main").replace("cidr =", "region = \"us-east-1\"\n cidr ="));
    second.apply().await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_configurations_are_told_with_their_place() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("wrong", &network("").replace("10.0.0.0/16", "ten")).await;
    let said = stack.run(&["validate"]).await.failed_with("`name` must not be empty.");
    assert!(said.contains("main.tf line") && said.contains("must be an IPv4 network like"), "{said}");
}
