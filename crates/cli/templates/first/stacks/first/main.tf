# Plain Terraform. The sandbox is Terrace's own simulated cloud: no account and no credentials are needed to try things out.
terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}

variable "name" {
  description = "The name of the bucket."
  type        = string
}

variable "region" {
  description = "The region that it lives in."
  type        = string
}

provider "sandbox" {
  region = var.region
}

resource "sandbox_aws_bucket" "this" {
  name       = var.name
  versioning = true
}

output "url" {
  description = "Where the bucket answers."
  value       = sandbox_aws_bucket.this.url
}
