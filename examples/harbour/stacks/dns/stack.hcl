stack "dns" {
  capability  = "naming"
  description = "The domain, and a name for each cluster's way in"
  inputs = {
    environment = env.name
    region      = env.aws_region
    domain      = env.domain
    ingress_addresses = {
      aws    = stack.aws-cluster.ingress_address
      google = stack.google-cluster.ingress_address
    }
  }
}
