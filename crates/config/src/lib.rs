//! Reads the configuration: `terrace.hcl`, `stack.hcl` and, as far as needed, `.tf` files become the domain's estate, with
//! diagnostics for all that is wrong. It reads files only through [`tree::FileTree`] and executes nothing.

pub mod fixture;
pub mod tree;
