module "labels" {
  source = "../../modules/labels"

  environment = var.environment
  component   = "shop"
}

resource "sandbox_aws_service" "shop" {
  name        = "shop"
  cluster_id  = var.aws.cluster_id
  region      = var.regions.aws
  image       = var.image
  replicas    = var.replicas
  database_id = var.aws.database_id
  secret_ids  = var.aws.secret_ids
  tags        = module.labels.tags
}

resource "sandbox_google_service" "shop" {
  name        = "shop"
  cluster_id  = var.google.cluster_id
  region      = var.regions.google
  image       = var.image
  replicas    = var.replicas
  database_id = var.google.database_id
  secret_ids  = var.google.secret_ids
  tags        = module.labels.tags
}

# One name for both: a customer reaches whichever answers.
resource "sandbox_aws_dns_record" "shop" {
  zone_id = var.zone_id
  region  = var.regions.aws
  name    = "shop"
  type    = "CNAME"
  values  = [for url in [sandbox_aws_service.shop.url, sandbox_google_service.shop.url] : trimprefix(url, "https://")]
  tags    = module.labels.tags
}
