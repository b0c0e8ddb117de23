//! terrace-driver
