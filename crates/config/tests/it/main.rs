//! Tests of the configuration as its users meet it: files in, an estate and rendered diagnostics out.

mod estate;
