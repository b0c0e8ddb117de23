output "cluster_id" {
  description = "The cluster."
  value       = one(concat(sandbox_aws_cluster.this[*].id, sandbox_google_cluster.this[*].id))
}

output "endpoint" {
  description = "Where the cluster's API answers."
  value       = one(concat(sandbox_aws_cluster.this[*].endpoint, sandbox_google_cluster.this[*].endpoint))
}

output "ingress_address" {
  description = "Where the cluster's load balancer takes requests from the internet."
  value       = one(concat(sandbox_aws_load_balancer.ingress[*].address, sandbox_google_load_balancer.ingress[*].address))
}
