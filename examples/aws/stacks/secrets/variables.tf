variable "name" {
  type        = string
  description = "What the secret is called."
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

variable "recovery_window_days" {
  type        = number
  description = "For how many days a deleted secret can be restored; 0 deletes it at once."
}

variable "vpc_id" {
  type        = string
  description = "The VPC from which the cluster is reached."
}

variable "cluster" {
  type = object({
    name                  = string
    endpoint              = string
    certificate_authority = string
  })
  description = "The cluster that the secret tells about."
}
