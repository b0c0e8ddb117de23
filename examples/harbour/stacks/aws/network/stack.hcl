stack "aws-network" {
  capability  = "network"
  description = "The private network on AWS"
  inputs = {
    environment = env.name
    region      = env.aws_region
    cidr        = env.aws_cidr
    zones       = env.zones
  }
}
