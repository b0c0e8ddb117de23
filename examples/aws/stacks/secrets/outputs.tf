output "secret_arn" {
  description = "The secret."
  value       = aws_secretsmanager_secret.cluster.arn
}

output "secret_version" {
  description = "The version of the secret's value that is current."
  value       = aws_secretsmanager_secret_version.cluster.version_id
}
