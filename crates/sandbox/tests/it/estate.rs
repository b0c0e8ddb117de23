//! Configurations that the tests share.

/// One resource of every kind in a cloud, and what depends on it.
pub(crate) fn every_kind(vendor: &str) -> String {
    r#"
resource "sandbox_VENDOR_network" "main" {
  name = "main"
  cidr = "10.0.0.0/16"
  tags = { team = "platform" }
}
resource "sandbox_VENDOR_subnet" "main" {
  count      = 2
  name       = "part-${count.index}"
  network_id = sandbox_VENDOR_network.main.id
  cidr       = cidrsubnet(sandbox_VENDOR_network.main.cidr, 8, count.index)
  zone       = "a"
}
resource "sandbox_VENDOR_cluster" "main" {
  name       = "main"
  network_id = sandbox_VENDOR_network.main.id
  subnet_ids = sandbox_VENDOR_subnet.main[*].id
  version    = "1.31"
}
resource "sandbox_VENDOR_node_group" "main" {
  name         = "workers"
  cluster_id   = sandbox_VENDOR_cluster.main.id
  machine_type = "large"
  nodes        = 3
}
resource "sandbox_VENDOR_load_balancer" "main" {
  name       = "in"
  network_id = sandbox_VENDOR_network.main.id
  cluster_id = sandbox_VENDOR_cluster.main.id
}
resource "sandbox_VENDOR_vault" "main" {
  name = "main"
}
resource "sandbox_VENDOR_secret" "main" {
  name     = "token"
  vault_id = sandbox_VENDOR_vault.main.id
  value    = "hunter2-very-secret"
}
resource "sandbox_VENDOR_database" "main" {
  name       = "orders"
  network_id = sandbox_VENDOR_network.main.id
  engine     = "postgres"
  version    = "17"
  size_gb    = 20
}
resource "sandbox_VENDOR_bucket" "main" {
  name = "orders-archive"
}
resource "sandbox_VENDOR_dns_zone" "main" {
  domain = "example.test"
}
resource "sandbox_VENDOR_dns_record" "main" {
  zone_id = sandbox_VENDOR_dns_zone.main.id
  name    = "www"
  type    = "CNAME"
  values  = [sandbox_VENDOR_load_balancer.main.address]
}
resource "sandbox_VENDOR_service" "main" {
  name        = "checkout"
  cluster_id  = sandbox_VENDOR_cluster.main.id
  image       = "registry.test/checkout:1"
  replicas    = 2
  secret_ids  = [sandbox_VENDOR_secret.main.id]
  database_id = sandbox_VENDOR_database.main.id
}
"#
    .replace("VENDOR", vendor)
}

/// How many resources [`every_kind`] makes.
pub(crate) const EVERY_KIND: usize = 13;

/// A network with that name and those first two bytes of its addresses.
pub(crate) fn network(name: &str) -> String {
    format!(
        r#"
resource "sandbox_aws_network" "main" {{
  name = "{name}"
  cidr = "10.0.0.0/16"
}}
"#
    )
}

/// A database whose last lines are given, in a network.
pub(crate) fn database(lines: &str) -> String {
    network("main")
        + &format!(
            r#"
resource "sandbox_aws_database" "main" {{
  name       = "orders"
  network_id = sandbox_aws_network.main.id
  engine     = "postgres"
  version    = "17"
  {lines}
}}
"#
        )
}
