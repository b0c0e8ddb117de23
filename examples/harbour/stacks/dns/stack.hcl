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

  # Names are rehearsed without clusters: an address to point at is all that they need.
  fixture "aws-cluster" {
    outputs = { ingress_address = "ingress.aws.example" }
  }
  fixture "google-cluster" {
    outputs = { ingress_address = "ingress.google.example" }
  }
}
