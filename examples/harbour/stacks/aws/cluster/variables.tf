variable "environment" {
  type        = string
  description = "The environment's name."
}

variable "region" {
  type        = string
  description = "The cloud's region."
}

variable "network_id" {
  type        = string
  description = "The network that the cluster is in."
}

variable "subnet_ids" {
  type        = list(string)
  description = "The subnets that the nodes are in."
}

variable "kubernetes_version" {
  type        = string
  description = "The version of Kubernetes: major and minor."
}

variable "general_nodes" {
  type        = number
  description = "How many nodes there are for everything."
}

variable "ingress_nodes" {
  type        = number
  description = "How many nodes there are that only take requests from the internet."
}
