# This file makes its folder a stack: deployed as one unit, with a state of its own in each environment.
stack "first" {
  inputs = {
    name   = "ESTATE-${env.name}"
    region = env.region
  }
}
