variable "environment" {
  type        = string
  description = "The environment's name."
}

variable "region" {
  type        = string
  description = "The cloud's region."
}

variable "rotation" {
  type        = number
  description = "Grows by one when the keys are to be changed."
}
