terraform {
  required_providers {
    sandbox = {
      source = "terrace/sandbox"
    }
  }
}
