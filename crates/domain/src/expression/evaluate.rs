//! Evaluates expressions.
