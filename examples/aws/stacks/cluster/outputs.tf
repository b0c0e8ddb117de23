output "name" {
  description = "The cluster's name."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "Where the cluster's API answers."
  value       = aws_eks_cluster.this.endpoint
}

output "certificate_authority" {
  description = "The certificate that the API's certificate is signed with: PEM in base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "node_role_arn" {
  description = "The role of the nodes."
  value       = aws_iam_role.node.arn
}
