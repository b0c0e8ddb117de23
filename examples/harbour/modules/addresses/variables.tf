variable "cidr" {
  type        = string
  description = "The addresses of the whole network, such as 10.0.0.0/16."

  validation {
    condition     = can(cidrnetmask(var.cidr))
    error_message = "The addresses must be an IPv4 range such as 10.0.0.0/16."
  }
}

variable "zones" {
  type        = list(string)
  description = "The zones; new ones are added at the end."

  validation {
    condition     = length(var.zones) <= 16
    error_message = "There is room for sixteen zones."
  }
}
