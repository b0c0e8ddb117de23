//! Resources come, change and go.

use terrace_sandbox::{CallFilter, Operation};

use crate::estate::{EVERY_KIND, database, every_kind, network};
use crate::terraform::Sandbox;

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_both_clouds_comes_and_goes() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("all", &(every_kind("aws") + &every_kind("google"))).await;
    let said = stack.apply().await.succeeded();
    assert_eq!(sandbox.count(), 2 * EVERY_KIND);
    assert!(!said.contains("hunter2"), "a secret was printed:\n{said}");

    let (changes, text) = stack.plan().await;
    assert!(!changes, "the second plan is not empty:\n{text}");
    let shown = stack.run(&["show"]).await.succeeded();
    assert!(shown.contains("(sensitive value)") && !shown.contains("hunter2"), "{shown}");
    let recorded = sandbox.cloud().calls(&CallFilter { operation: Some(Operation::Create), ..CallFilter::default() });
    let recorded = recorded.expect("calls");
    assert_eq!(recorded.len(), 2 * EVERY_KIND);
    assert!(recorded.iter().all(|call| call.identity == "all" && call.id.contains('-')), "{recorded:?}");

    stack.destroy().await.succeeded();
    assert_eq!(sandbox.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_made_in_place_or_by_replacement() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("change", &database("size_gb = 20")).await;
    stack.apply().await.succeeded();
    let id = sandbox.id("aws/database/orders");

    stack.write(&database("size_gb = 30\n deletion_protection = true\n tags = { a = \"b\" }"));
    let said = stack.apply().await.succeeded();
    assert!(said.contains("0 added, 1 changed, 0 destroyed"), "{said}");
    assert_eq!(sandbox.id("aws/database/orders"), id, "changed in place");
    assert!(!stack.plan().await.0);

    stack.write(&database("size_gb = 10\n deletion_protection = true\n"));
    stack.run(&["plan"]).await.failed_with("`size_gb` can only grow in place: it is 30 and would become 10");

    // Dropping the attribute brings its default back, and with it the permission to delete.
    stack.write(&database("size_gb = 30").replace("postgres", "mysql"));
    let said = stack.apply().await;
    said.failed_with("InvalidParameterCombination");
    stack.write(&database("size_gb = 30"));
    stack.apply().await.succeeded();
    stack.write(&database("size_gb = 30").replace("postgres", "mysql"));
    let said = stack.apply().await.succeeded();
    assert!(said.contains("forces replacement") && said.contains("1 added, 0 changed, 1 destroyed"), "{said}");
    assert_ne!(sandbox.id("aws/database/orders"), id, "replaced");
    assert!(!stack.plan().await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_holder_takes_what_it_holds_with_it() {
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("rename", &database("size_gb = 20")).await;
    stack.apply().await.succeeded();
    stack.write(&database("size_gb = 20").replace("\"main\"\n  cidr", "\"other\"\n  cidr"));
    let said = stack.apply().await.succeeded();
    assert!(said.contains("2 added, 0 changed, 2 destroyed"), "{said}");
    assert!(!stack.plan().await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secrets_version_grows_with_its_value() {
    let code = |value: &str| {
        format!(
            r#"
resource "sandbox_aws_vault" "main" {{
  name = "main"
}}
resource "sandbox_aws_secret" "main" {{
  name     = "token"
  vault_id = sandbox_aws_vault.main.id
  value    = "{value}"
}}
output "version" {{
  value = sandbox_aws_secret.main.version
}}
"#
        )
    };
    let sandbox = Sandbox::new().await;
    let stack = sandbox.stack("secret", &code("first")).await;
    for (value, version) in [("first", "1"), ("second", "2"), ("second", "2"), ("third", "3")] {
        stack.write(&code(value));
        stack.apply().await.succeeded();
        assert_eq!(stack.run(&["output", "version"]).await.succeeded().trim(), version, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_is_imported() {
    let sandbox = Sandbox::new().await;
    let first = sandbox.stack("first", &database("size_gb = 20")).await;
    first.apply().await.succeeded();
    let second = sandbox.stack("second", &database("size_gb = 20")).await;
    for (address, target) in
        [("sandbox_aws_network.main", "aws/network/main"), ("sandbox_aws_database.main", "aws/database/orders")]
    {
        second.run(&["import", address, &sandbox.id(target)]).await.succeeded();
    }
    let (changes, text) = second.plan().await;
    assert!(!changes, "{text}");
    second.run(&["state", "rm", "sandbox_aws_network.main"]).await.succeeded();
    let wrong_kind = sandbox.id("aws/database/orders");
    second
        .run(&["import", "sandbox_aws_network.main", &wrong_kind])
        .await
        .failed_with("is a sandbox_aws_database, and no sandbox_aws_network");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sources_find_by_name() {
    let code = |region: &str, name: &str| {
        format!(
            r#"
data "sandbox_aws_network" "main" {{
  name   = "{name}"
  region = {region}
}}
output "cidr" {{
  value = data.sandbox_aws_network.main.cidr
}}
"#
        )
    };
    let sandbox = Sandbox::new().await;
    sandbox.stack("network", &network("main")).await.apply().await.succeeded();
    let reader = sandbox.stack("reader", &code("null", "main")).await;
    reader.apply().await.succeeded();
    assert_eq!(reader.run(&["output", "-raw", "cidr"]).await.succeeded(), "10.0.0.0/16");
    reader.write(&code("null", "other"));
    reader.apply().await.failed_with("ResourceNotFoundException: there is no network 'other' in the region eu-west-1");
    reader.write(&code("\"us-east-1\"", "main"));
    reader.apply().await.failed_with("there is no network 'main' in the region us-east-1");
}
