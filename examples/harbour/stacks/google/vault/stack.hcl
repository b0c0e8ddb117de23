stack "google-vault" {
  capability  = "secrets"
  description = "The vault for keys and passwords on Google Cloud"
  inputs = {
    environment = env.name
    region      = env.google_region
    rotation    = 1
  }
}
