output "zone_id" {
  description = "The zone of the environment's domain."
  value       = sandbox_aws_dns_zone.this.id
}

output "ingress_names" {
  description = "The names of the clusters' ways in, by cloud."
  value       = { for cloud, record in sandbox_aws_dns_record.ingress : cloud => "${record.name}.${var.domain}" }
}
