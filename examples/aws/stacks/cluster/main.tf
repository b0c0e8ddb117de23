resource "aws_security_group" "control_plane" {
  name        = "${var.name}-control-plane"
  description = "The interfaces of the cluster's control plane"
  vpc_id      = var.vpc_id

  tags = {
    Name = "${var.name}-control-plane"
  }
}

resource "aws_eks_cluster" "this" {
  name     = var.name
  version  = var.kubernetes_version
  role_arn = aws_iam_role.control_plane.arn

  vpc_config {
    subnet_ids              = var.subnet_ids
    security_group_ids      = [aws_security_group.control_plane.id]
    endpoint_private_access = true
  }

  # EKS cleans up with the role's rights when the cluster goes.
  depends_on = [aws_iam_role_policy_attachment.control_plane]
}

resource "aws_eks_node_group" "default" {
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "${var.name}-default"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = var.subnet_ids
  instance_types  = [var.instance_type]

  scaling_config {
    min_size     = var.nodes.min
    desired_size = var.nodes.desired
    max_size     = var.nodes.max
  }

  # The cluster's autoscaler moves the size. Access by SSH is not used here; an emulator makes up a key for it, and taking that away
  # would replace the nodes.
  lifecycle {
    ignore_changes = [scaling_config[0].desired_size, remote_access]
  }

  depends_on = [aws_iam_role_policy_attachment.node]
}
