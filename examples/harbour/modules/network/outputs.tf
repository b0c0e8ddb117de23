output "network_id" {
  description = "The network."
  value       = one(concat(sandbox_aws_network.this[*].id, sandbox_google_network.this[*].id))
}

output "subnet_ids" {
  description = "The subnets, in order of the zones."
  value = [
    for zone in var.zones :
    var.cloud == "aws" ? sandbox_aws_subnet.zone[zone].id : sandbox_google_subnet.zone[zone].id
  ]
}
