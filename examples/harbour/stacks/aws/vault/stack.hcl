stack "aws-vault" {
  capability  = "secrets"
  description = "The vault for keys and passwords on AWS"
  inputs = {
    environment = env.name
    region      = env.aws_region
    rotation    = 1
  }
}
