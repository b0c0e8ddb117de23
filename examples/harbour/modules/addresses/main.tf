# A sixteenth of the network for each zone, in the order in which the zones were added: a new zone moves no other.
locals {
  subnets = { for number, zone in var.zones : zone => cidrsubnet(var.cidr, 4, number) }
}
