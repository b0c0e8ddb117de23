//! The sandbox under the real Terraform, end to end.

mod estate;
mod faults;
mod interrupt;
mod lifecycle;
mod parallel;
mod rules;
mod tamper;
mod terraform;
