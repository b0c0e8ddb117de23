resource "sandbox_aws_cluster" "this" {
  count = var.cloud == "aws" ? 1 : 0

  name       = var.name
  network_id = var.network_id
  subnet_ids = var.subnet_ids
  version    = var.kubernetes_version
  tags       = var.tags
}

resource "sandbox_aws_node_group" "this" {
  for_each = var.cloud == "aws" ? var.node_groups : {}

  name         = each.key
  cluster_id   = sandbox_aws_cluster.this[0].id
  machine_type = each.value.machine_type
  nodes        = each.value.nodes
  tags         = var.tags
}

resource "sandbox_aws_load_balancer" "ingress" {
  count = var.cloud == "aws" ? 1 : 0

  name       = "${var.name}-ingress"
  network_id = var.network_id
  cluster_id = sandbox_aws_cluster.this[0].id
  tags       = var.tags
}
