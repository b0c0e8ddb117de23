stack "google-cluster" {
  capability  = "container-platform"
  description = "The Kubernetes cluster on Google Cloud, with its nodes and its way in from the internet"
  inputs = {
    environment        = env.name
    region             = env.google_region
    network_id         = stack.google-network.network_id
    subnet_ids         = stack.google-network.subnet_ids
    kubernetes_version = env.kubernetes_version
    general_nodes      = env.nodes
    ingress_nodes      = 1
  }

  # Nodes hold nothing: an upgrade may replace groups of them, and nothing else.
  upgrade {
    allow  = ["sandbox_google_node_group"]
    budget = 0
  }
}
