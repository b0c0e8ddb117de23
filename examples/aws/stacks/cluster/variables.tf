variable "name" {
  type        = string
  description = "What the cluster is called, and the beginning of the names of its parts."
}

variable "region" {
  type        = string
  description = "The AWS region."
}

variable "endpoint" {
  type        = string
  description = "Where an emulator of AWS answers; null for AWS itself."
  default     = null
}

variable "vpc_id" {
  type        = string
  description = "The VPC that the cluster is in."
}

variable "subnet_ids" {
  type        = list(string)
  description = "The subnets for the control plane's interfaces and for the nodes."
}

variable "kubernetes_version" {
  type        = string
  description = "The version of Kubernetes: major and minor."
}

variable "instance_type" {
  type        = string
  description = "The EC2 instance type of the nodes."
}

variable "nodes" {
  type = object({
    min     = number
    desired = number
    max     = number
  })
  description = "How many nodes there are at least, at first, and at most."
}
