stack "google-database" {
  capability  = "databases"
  description = "The shop's database on Google Cloud"
  inputs = {
    environment = env.name
    region      = env.google_region
    network_id  = stack.google-network.network_id
    vault_id    = stack.google-vault.vault_id
    size_gb     = env.database_gb
    keep        = env.keep_databases
  }
}
