output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "The subnets that the internet reaches, in order of their zones."
  value       = [for zone in sort(tolist(local.zones)) : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "The subnets that reach the internet only through the NAT gateway, in order of their zones."
  value       = [for zone in sort(tolist(local.zones)) : aws_subnet.private[zone].id]
}
