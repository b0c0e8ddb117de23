stack "network" {
  capability  = "network"
  description = "A VPC with public and private subnets in several zones"
  inputs = {
    name     = "landing-${env.name}"
    region   = env.region
    endpoint = env.endpoint
    cidr     = env.cidr
    zones    = env.zones
  }
}
