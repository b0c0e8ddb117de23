//! Tests of the configuration as its users meet it: files in, an estate and rendered diagnostics out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_check;
mod bad_code;
mod bad_estate;
mod bad_file;
mod bad_gate;
mod bad_reference;
mod bad_stack;
mod check;
mod code;
mod codeowners;
mod estate;
mod expression;
mod hostile;
mod move_code;
mod parts;
mod resource_types;
mod shown;
mod trust;
