variable "environment" {
  type        = string
  description = "The environment's name."
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
  description = "The letters of the zones that get a subnet; new ones are added at the end."
}
