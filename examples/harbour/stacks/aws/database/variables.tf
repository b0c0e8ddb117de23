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
  description = "The network from which the database is reached."
}

variable "vault_id" {
  type        = string
  description = "The vault that keeps the database's password."
}

variable "size_gb" {
  type        = number
  description = "The size of the disk in gigabytes. It can grow, never shrink."
}

variable "keep" {
  type        = bool
  description = "Whether the cloud refuses to delete the database."
}
