//! terrace-sandbox
