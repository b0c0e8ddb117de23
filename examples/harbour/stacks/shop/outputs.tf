output "urls" {
  description = "Where the shop answers, by cloud."
  value = {
    aws    = sandbox_aws_service.shop.url
    google = sandbox_google_service.shop.url
  }
}
