# A network with a subnet in each zone. Stacks say which cloud; the rest is the same on either.
module "addresses" {
  source = "../addresses"

  cidr  = var.cidr
  zones = var.zones
}

locals {
  zone_names = {
    aws    = { for zone in var.zones : zone => "${var.region}${zone}" }
    google = { for zone in var.zones : zone => "${var.region}-${zone}" }
  }
}
