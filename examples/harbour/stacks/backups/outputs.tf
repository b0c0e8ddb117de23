output "bucket_urls" {
  description = "The buckets, by cloud."
  value = {
    aws    = sandbox_aws_bucket.copies.url
    google = sandbox_google_bucket.copies.url
  }
}
