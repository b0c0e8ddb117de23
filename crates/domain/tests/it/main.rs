//! Tests of the domain through its public face: graphs, changes and runs that are built in code, as tables and as properties.

mod affected;
mod blast;
mod estate;
mod graph;
mod map;
mod plan;
mod run;
mod slice;
mod timeline;
