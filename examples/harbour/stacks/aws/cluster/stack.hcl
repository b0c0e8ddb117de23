stack "aws-cluster" {
  capability  = "container-platform"
  description = "The Kubernetes cluster on AWS, with its nodes and its way in from the internet"
  inputs = {
    environment        = env.name
    region             = env.aws_region
    network_id         = stack.aws-network.network_id
    subnet_ids         = stack.aws-network.subnet_ids
    kubernetes_version = env.kubernetes_version
    general_nodes      = env.nodes
    ingress_nodes      = 1
  }

  # Nodes hold nothing: an upgrade may replace groups of them, and nothing else.
  upgrade {
    allow  = ["sandbox_aws_node_group"]
    budget = 0
  }
}
