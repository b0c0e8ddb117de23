stack "google-network" {
  capability  = "network"
  description = "The private network on Google Cloud"
  inputs = {
    environment = env.name
    region      = env.google_region
    cidr        = env.google_cidr
    zones       = env.zones
  }
}
