resource "sandbox_aws_network" "this" {
  count = var.cloud == "aws" ? 1 : 0

  name   = var.name
  cidr   = var.cidr
  region = var.region
  tags   = var.tags
}

resource "sandbox_aws_subnet" "zone" {
  for_each = var.cloud == "aws" ? module.addresses.subnets : {}

  name       = "${var.name}-${each.key}"
  network_id = sandbox_aws_network.this[0].id
  cidr       = each.value
  zone       = local.zone_names.aws[each.key]
  tags       = var.tags
}
