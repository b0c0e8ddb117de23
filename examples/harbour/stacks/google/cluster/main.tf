module "labels" {
  source = "../../../modules/labels"

  environment = var.environment
  component   = "cluster"
}

module "kubernetes" {
  source = "../../../modules/kubernetes"

  cloud              = "google"
  name               = module.labels.name
  network_id         = var.network_id
  subnet_ids         = var.subnet_ids
  kubernetes_version = var.kubernetes_version
  tags               = module.labels.tags

  node_groups = {
    general = {
      machine_type = "n2-standard-4"
      nodes        = var.general_nodes
    }
    ingress = {
      machine_type = "c3-highcpu-4"
      nodes        = var.ingress_nodes
    }
  }
}
