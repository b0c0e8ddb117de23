stack "shop" {
  capability  = "checkout"
  description = "The shop, on both clouds under one name"
  inputs = {
    environment = env.name
    regions     = { aws = env.aws_region, google = env.google_region }
    zone_id     = stack.dns.zone_id
    image       = env.shop_image
    replicas    = env.shop_replicas
    aws = {
      cluster_id  = stack.aws-cluster.cluster_id
      database_id = stack.aws-database.database_id
      secret_ids  = [stack.aws-vault.session_key_id, stack.aws-database.password_secret_id]
    }
    google = {
      cluster_id  = stack.google-cluster.cluster_id
      database_id = stack.google-database.database_id
      secret_ids  = [stack.google-vault.session_key_id, stack.google-database.password_secret_id]
    }
  }
  check "addresses" {
    command = ["/bin/sh", "smoke.sh"]
  }

  # The shop is rehearsed on a bare cluster, without nodes and a way in from the internet.
  fixture "aws-cluster" {
    folder = "fixtures/aws-cluster"
    inputs = { name = "${env.name}-stand-in", region = env.aws_region }
  }
  fixture "google-cluster" {
    folder = "fixtures/google-cluster"
    inputs = { name = "${env.name}-stand-in", region = env.google_region }
  }
}
