module "labels" {
  source = "../../modules/labels"

  environment = var.environment
  component   = "dns"
}

resource "sandbox_aws_dns_zone" "this" {
  domain = var.domain
  tags   = module.labels.tags
}

resource "sandbox_aws_dns_record" "ingress" {
  for_each = var.ingress_addresses

  zone_id = sandbox_aws_dns_zone.this.id
  name    = "ingress.${each.key}"
  type    = "CNAME"
  values  = [each.value]
  tags    = module.labels.tags
}
