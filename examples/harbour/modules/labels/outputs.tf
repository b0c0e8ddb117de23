output "name" {
  description = "The beginning of the names of all things in this environment."
  value       = "${local.estate}-${var.environment}"
}

output "tags" {
  description = "Tags that tell where a thing belongs."
  value = {
    estate      = local.estate
    environment = var.environment
    component   = var.component
  }
}
