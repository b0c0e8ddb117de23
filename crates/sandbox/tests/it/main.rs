//! The sandbox under the real Terraform, end to end.

mod lifecycle;
mod terraform;
