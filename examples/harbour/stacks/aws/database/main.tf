module "labels" {
  source = "../../../modules/labels"

  environment = var.environment
  component   = "database"
}

resource "sandbox_aws_database" "shop" {
  name                = "${module.labels.name}-shop"
  network_id          = var.network_id
  engine              = "postgres"
  version             = "17"
  size_gb             = var.size_gb
  deletion_protection = var.keep
  tags                = module.labels.tags
}

resource "sandbox_aws_secret" "password" {
  name     = "shop-database-password"
  vault_id = var.vault_id
  value    = sandbox_aws_database.shop.password
  tags     = module.labels.tags
}
