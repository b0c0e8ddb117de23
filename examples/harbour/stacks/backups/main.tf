module "labels" {
  source = "../../modules/labels"

  environment = var.environment
  component   = "backups"
}

locals {
  # What the auditors want on every copy of customers' data; they keep the file.
  tags = merge(module.labels.tags, jsondecode(file("${path.module}/../../shared/tags.json")))
}

resource "sandbox_aws_bucket" "copies" {
  name       = "${module.labels.name}-copies"
  region     = var.regions.aws
  versioning = true
  tags       = local.tags
}

resource "sandbox_google_bucket" "copies" {
  name       = "${module.labels.name}-copies"
  region     = var.regions.google
  versioning = true
  tags       = local.tags
}
