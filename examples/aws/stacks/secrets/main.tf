resource "aws_secretsmanager_secret" "cluster" {
  name                    = var.name
  description             = "How a deployment tool reaches the cluster ${var.cluster.name}"
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_version" "cluster" {
  secret_id     = aws_secretsmanager_secret.cluster.id
  secret_string = jsonencode(merge(var.cluster, { vpc_id = var.vpc_id }))
}
