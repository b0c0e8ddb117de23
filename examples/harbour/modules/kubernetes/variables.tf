variable "cloud" {
  type        = string
  description = "The cloud that the cluster is on: aws or google."

  validation {
    condition     = contains(["aws", "google"], var.cloud)
    error_message = "The cloud must be aws or google."
  }
}

variable "name" {
  type        = string
  description = "What the cluster is called."
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
  description = "The version of Kubernetes: major and minor. A cluster can go up, never down."
}

variable "node_groups" {
  type = map(object({
    machine_type = string
    nodes        = number
  }))
  description = "The groups of nodes, by name."
}

variable "tags" {
  type        = map(string)
  description = "Tags for everything that belongs to the cluster."
  default     = {}
}
