stack "secrets" {
  capability  = "secrets"
  description = "What a deployment tool must know to reach the cluster, kept in Secrets Manager"
  inputs = {
    name                 = "landing/${env.name}/cluster"
    region               = env.region
    endpoint             = env.endpoint
    recovery_window_days = env.recovery_window_days
    vpc_id               = stack.network.vpc_id
    cluster = {
      name                  = stack.cluster.name
      endpoint              = stack.cluster.endpoint
      certificate_authority = stack.cluster.certificate_authority
    }
  }
}
