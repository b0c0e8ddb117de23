module "labels" {
  source = "../../../modules/labels"

  environment = var.environment
  component   = "cluster"
}

module "kubernetes" {
  source = "../../../modules/kubernetes"

  cloud              = "aws"
  name               = module.labels.name
  network_id         = var.network_id
  subnet_ids         = var.subnet_ids
  kubernetes_version = var.kubernetes_version
  tags               = module.labels.tags

  node_groups = {
    general = {
      machine_type = "m7i.large"
      nodes        = var.general_nodes
    }
    ingress = {
      machine_type = "c7i.large"
      nodes        = var.ingress_nodes
    }
  }
}
