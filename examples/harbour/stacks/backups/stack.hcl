stack "backups" {
  capability  = "backup"
  description = "A bucket on each cloud for the copies of what is on the other"
  watch       = ["shared/tags.json"]
  inputs = {
    environment = env.name
    regions     = { aws = env.aws_region, google = env.google_region }
  }
}
