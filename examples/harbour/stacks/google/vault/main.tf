module "labels" {
  source = "../../../modules/labels"

  environment = var.environment
  component   = "vault"
}

resource "sandbox_google_vault" "this" {
  name = module.labels.name
  tags = module.labels.tags
}

# The sandbox keeps nobody's secrets, so this one is made of its own name. On a real cloud the vault would make it.
resource "sandbox_google_secret" "session_key" {
  name     = "session-key"
  vault_id = sandbox_google_vault.this.id
  value    = sha256("${sandbox_google_vault.this.name}/session-key/${var.rotation}")
  tags     = module.labels.tags
}
