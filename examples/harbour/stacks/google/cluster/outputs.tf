output "cluster_id" {
  description = "The cluster."
  value       = module.kubernetes.cluster_id
}

output "endpoint" {
  description = "Where the cluster's API answers."
  value       = module.kubernetes.endpoint
}

output "ingress_address" {
  description = "Where the cluster takes requests from the internet."
  value       = module.kubernetes.ingress_address
}
