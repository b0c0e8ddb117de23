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

variable "zone_id" {
  type        = string
  description = "The zone of the environment's domain, on AWS."
}

variable "image" {
  type        = string
  description = "The container image of the shop."
}

variable "replicas" {
  type        = number
  description = "How many copies of the shop run on each cloud."
}

variable "aws" {
  type = object({
    cluster_id  = string
    database_id = string
    secret_ids  = list(string)
  })
  description = "What the shop runs on and reads on AWS."
}

variable "google" {
  type = object({
    cluster_id  = string
    database_id = string
    secret_ids  = list(string)
  })
  description = "What the shop runs on and reads on Google Cloud."
}
