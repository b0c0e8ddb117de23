variable "environment" {
  type        = string
  description = "The environment's name."
}

variable "component" {
  type        = string
  description = "What the labelled things are a part of."
}
