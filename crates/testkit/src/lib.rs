//! terrace-testkit
