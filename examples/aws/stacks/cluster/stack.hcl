stack "cluster" {
  capability  = "container-platform"
  description = "An EKS cluster with one managed node group"
  inputs = {
    name               = "landing-${env.name}"
    region             = env.region
    endpoint           = env.endpoint
    vpc_id             = stack.network.vpc_id
    subnet_ids         = stack.network.private_subnet_ids
    kubernetes_version = env.kubernetes_version
    instance_type      = env.instance_type
    nodes              = env.nodes
  }
}
