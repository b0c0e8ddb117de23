module "labels" {
  source = "../../../modules/labels"

  environment = var.environment
  component   = "network"
}

module "network" {
  source = "../../../modules/network"

  cloud  = "google"
  name   = module.labels.name
  region = var.region
  cidr   = var.cidr
  zones  = var.zones
  tags   = module.labels.tags
}
