output "vault_id" {
  description = "The vault."
  value       = sandbox_aws_vault.this.id
}

output "session_key_id" {
  description = "The secret with the key that sessions are signed with."
  value       = sandbox_aws_secret.session_key.id
}
