variable "environment" {
  type        = string
  description = "The environment's name."
}

variable "regions" {
  type = object({
    aws    = string
    google = string
  })
  description = "The region on each cloud."
}
