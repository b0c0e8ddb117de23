output "database_id" {
  description = "The database."
  value       = sandbox_aws_database.shop.id
}

output "endpoint" {
  description = "Where the database answers."
  value       = sandbox_aws_database.shop.endpoint
}

output "password_secret_id" {
  description = "The secret with the database's password."
  value       = sandbox_aws_secret.password.id
}
