//! terrace-world
