variable "cloud" {
  type        = string
  description = "The cloud that the network is on: aws or google."

  validation {
    condition     = contains(["aws", "google"], var.cloud)
    error_message = "The cloud must be aws or google."
  }
}

variable "name" {
  type        = string
  description = "What the network is called."
}

variable "region" {
  type        = string
  description = "The cloud's region."
}

variable "cidr" {
  type        = string
  description = "The network's addresses, such as 10.0.0.0/16."
}

variable "zones" {
  type        = list(string)
  description = "The letters of the zones that get a subnet."
}

variable "tags" {
  type        = map(string)
  description = "Tags for everything in the network."
  default     = {}
}
