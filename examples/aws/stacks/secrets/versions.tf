terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 3.39"
    }
  }
}

provider "aws" {
  region = var.region

  # An emulator has no metadata service to ask, and takes any credentials.
  skip_credentials_validation = var.endpoint != null
  skip_metadata_api_check     = var.endpoint != null

  default_tags {
    tags = {
      Estate = "landing"
      Stack  = "secrets"
    }
  }

  # EC2, IAM and STS are asked about the account, whatever the stack holds.
  dynamic "endpoints" {
    for_each = var.endpoint == null ? [] : [var.endpoint]

    content {
      ec2            = endpoints.value
      iam            = endpoints.value
      secretsmanager = endpoints.value
      sts            = endpoints.value
    }
  }
}
