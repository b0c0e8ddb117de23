//! terrace-config
