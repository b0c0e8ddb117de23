variable "environment" {
  type        = string
  description = "The environment's name."
}

variable "region" {
  type        = string
  description = "The cloud's region."
}

variable "domain" {
  type        = string
  description = "The environment's domain."
}

variable "ingress_addresses" {
  type        = map(string)
  description = "Where each cloud's cluster takes requests from the internet, by cloud."
}
