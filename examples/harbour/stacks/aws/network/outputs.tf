output "network_id" {
  description = "The network."
  value       = module.network.network_id
}

output "subnet_ids" {
  description = "The subnets, in order of the zones."
  value       = module.network.subnet_ids
}
