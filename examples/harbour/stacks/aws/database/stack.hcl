stack "aws-database" {
  capability  = "databases"
  description = "The shop's database on AWS"
  inputs = {
    environment = env.name
    region      = env.aws_region
    network_id  = stack.aws-network.network_id
    vault_id    = stack.aws-vault.vault_id
    size_gb     = env.database_gb
    keep        = env.keep_databases
  }
}
