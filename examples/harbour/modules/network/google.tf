resource "sandbox_google_network" "this" {
  count = var.cloud == "google" ? 1 : 0

  name   = var.name
  cidr   = var.cidr
  region = var.region
  tags   = var.tags
}

resource "sandbox_google_subnet" "zone" {
  for_each = var.cloud == "google" ? module.addresses.subnets : {}

  name       = "${var.name}-${each.key}"
  network_id = sandbox_google_network.this[0].id
  cidr       = each.value
  zone       = local.zone_names.google[each.key]
  tags       = var.tags
}
