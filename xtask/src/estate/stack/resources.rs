//! The resources and outputs of each kind of stack. `@cloud@` stands for the cloud, `@records@` for the addresses that are read.

use super::super::layout::Kind;

pub(super) fn main(kind: Kind) -> &'static str {
    match kind {
        Kind::Network => NETWORK,
        Kind::Storage => STORAGE,
        Kind::Cluster => CLUSTER,
        Kind::Database => DATABASE,
        Kind::Service => SERVICE,
        Kind::Naming => NAMING,
    }
}

pub(super) fn outputs(kind: Kind) -> &'static str {
    match kind {
        Kind::Network => NETWORK_OUTPUTS,
        Kind::Storage => STORAGE_OUTPUTS,
        Kind::Cluster => CLUSTER_OUTPUTS,
        Kind::Database => DATABASE_OUTPUTS,
        Kind::Service => SERVICE_OUTPUTS,
        Kind::Naming => NAMING_OUTPUTS,
    }
}

const NETWORK: &str = r#"resource "sandbox_@cloud@_network" "this" {
  name = module.labels.name
  cidr = var.cidr
  tags = local.tags
}

# Small enough that there is room for more zones than there are today.
resource "sandbox_@cloud@_subnet" "zone" {
  for_each = { for index, zone in var.zones : zone => index }

  name       = "${module.labels.name}-${each.key}"
  network_id = sandbox_@cloud@_network.this.id
  cidr       = cidrsubnet(var.cidr, 4, each.value)
  zone       = "${var.region}${each.key}"
  tags       = local.tags
}

resource "sandbox_@cloud@_bucket" "flow_logs" {
  name = "${module.labels.name}-flow-logs"
  tags = local.tags
}
"#;
const NETWORK_OUTPUTS: &str = r#"output "network_id" {
  description = "The network."
  value       = sandbox_@cloud@_network.this.id
}

output "subnet_ids" {
  description = "The subnets, in order of the zones."
  value       = [for zone in var.zones : sandbox_@cloud@_subnet.zone[zone].id]
}

output "address" {
  description = "The network's addresses."
  value       = sandbox_@cloud@_network.this.cidr
}
"#;
const STORAGE: &str = r#"resource "sandbox_@cloud@_bucket" "data" {
  name       = "${module.labels.name}-data"
  versioning = true
  tags       = local.tags
}

resource "sandbox_@cloud@_bucket" "logs" {
  name       = "${module.labels.name}-logs"
  versioning = false
  tags       = local.tags
}

resource "sandbox_@cloud@_vault" "keys" {
  name = "${module.labels.name}-keys"
  tags = local.tags
}

# The key that encrypts what is in the buckets.
resource "sandbox_@cloud@_secret" "key" {
  name     = "bucket-key"
  vault_id = sandbox_@cloud@_vault.keys.id
  value    = sha256(module.labels.name)
  tags     = local.tags
}
"#;
const STORAGE_OUTPUTS: &str = r#"output "bucket_id" {
  description = "The bucket for data."
  value       = sandbox_@cloud@_bucket.data.id
}

output "log_bucket_id" {
  description = "The bucket for logs."
  value       = sandbox_@cloud@_bucket.logs.id
}

output "address" {
  description = "Where the data is."
  value       = sandbox_@cloud@_bucket.data.url
}
"#;
const CLUSTER: &str = r#"resource "sandbox_@cloud@_cluster" "this" {
  name       = module.labels.name
  network_id = var.network_id
  subnet_ids = var.subnet_ids
  version    = var.kubernetes_version
  tags       = local.tags
}

resource "sandbox_@cloud@_node_group" "general" {
  name         = "general"
  cluster_id   = sandbox_@cloud@_cluster.this.id
  machine_type = "m7.large"
  nodes        = var.nodes
  tags         = local.tags
}

resource "sandbox_@cloud@_node_group" "ingress" {
  name         = "ingress"
  cluster_id   = sandbox_@cloud@_cluster.this.id
  machine_type = "c7.large"
  nodes        = 1
  tags         = local.tags
}

resource "sandbox_@cloud@_load_balancer" "ingress" {
  name       = "${module.labels.name}-ingress"
  network_id = var.network_id
  cluster_id = sandbox_@cloud@_cluster.this.id
  tags       = local.tags
}
"#;
const CLUSTER_OUTPUTS: &str = r#"output "cluster_id" {
  description = "The cluster."
  value       = sandbox_@cloud@_cluster.this.id
}

output "endpoint" {
  description = "Where the cluster's API answers."
  value       = sandbox_@cloud@_cluster.this.endpoint
}

output "address" {
  description = "Where the cluster takes requests from the internet."
  value       = sandbox_@cloud@_load_balancer.ingress.address
}
"#;
const DATABASE: &str = r#"resource "sandbox_@cloud@_database" "this" {
  name                = module.labels.name
  network_id          = var.network_id
  engine              = "postgres"
  version             = "17"
  size_gb             = var.size_gb
  deletion_protection = false
  tags                = local.tags
}

resource "sandbox_@cloud@_vault" "passwords" {
  name = "${module.labels.name}-passwords"
  tags = local.tags
}

resource "sandbox_@cloud@_secret" "password" {
  name     = "database-password"
  vault_id = sandbox_@cloud@_vault.passwords.id
  value    = sandbox_@cloud@_database.this.password
  tags     = local.tags
}
"#;
const DATABASE_OUTPUTS: &str = r#"output "database_id" {
  description = "The database."
  value       = sandbox_@cloud@_database.this.id
}

output "password_secret_id" {
  description = "The secret that holds the password."
  value       = sandbox_@cloud@_secret.password.id
}

output "address" {
  description = "Where the database answers."
  value       = sandbox_@cloud@_database.this.endpoint
}
"#;
const SERVICE: &str = r#"resource "sandbox_@cloud@_service" "this" {
  name       = module.labels.name
  cluster_id = var.cluster_id
  image      = "registry.example.com/shop/service:2.8.0"
  replicas   = var.replicas
  secret_ids = [sandbox_@cloud@_secret.session.id]
  tags       = local.tags
}

resource "sandbox_@cloud@_vault" "this" {
  name = "${module.labels.name}-vault"
  tags = local.tags
}

resource "sandbox_@cloud@_secret" "session" {
  name     = "session-key"
  vault_id = sandbox_@cloud@_vault.this.id
  value    = sha256("${module.labels.name}-session")
  tags     = local.tags
}
"#;
const SERVICE_OUTPUTS: &str = r#"output "service_id" {
  description = "The service."
  value       = sandbox_@cloud@_service.this.id
}

output "address" {
  description = "Where the service answers."
  value       = sandbox_@cloud@_service.this.url
}
"#;
const NAMING: &str = r#"locals {
  records = @records@
}

resource "sandbox_@cloud@_dns_zone" "this" {
  domain = var.domain
  tags   = local.tags
}

resource "sandbox_@cloud@_dns_record" "upstream" {
  count = length(local.records)

  zone_id = sandbox_@cloud@_dns_zone.this.id
  name    = "upstream-${count.index}"
  type    = "CNAME"
  values  = [local.records[count.index]]
  tags    = local.tags
}
"#;
const NAMING_OUTPUTS: &str = r#"output "zone_id" {
  description = "The zone."
  value       = sandbox_@cloud@_dns_zone.this.id
}

output "address" {
  description = "The domain."
  value       = var.domain
}
"#;
