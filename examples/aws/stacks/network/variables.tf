variable "name" {
  type        = string
  description = "What the network is called, and the beginning of the names of its parts."
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

variable "cidr" {
  type        = string
  description = "The network's addresses; each subnet gets a sixteenth of them."

  validation {
    condition     = can(cidrnetmask(var.cidr))
    error_message = "The addresses must be an IPv4 range such as 10.0.0.0/16."
  }
}

variable "zones" {
  type        = number
  description = "In how many availability zones there are subnets."

  validation {
    condition     = var.zones >= 2 && var.zones <= 6
    error_message = "EKS needs subnets in two zones at least; no region has more than six."
  }
}
