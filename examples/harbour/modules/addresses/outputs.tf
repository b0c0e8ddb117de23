output "subnets" {
  description = "The addresses of each zone's subnet, by zone."
  value       = local.subnets
}
