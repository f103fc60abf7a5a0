//! Belfry: live comments, presence, shared editing and a notification inbox, in one process.
//!
//! A channel is a log; a socket is a set of cursors into logs. One way leads through the house:
//! **edge → domain → store (change and events, one transaction) → gate → channel log → sockets.**
//! The bus only carries to other instances what was committed here, and their gates decide.
//!
//! Modules are listed from the edge to the vocabulary. **A file uses its own module and those listed below it, never
//! above**; a test holds it to that. Only `cli` and `app`, which put the others together, may use all of them.

pub mod cli;
pub mod lifecycle;
pub mod app;
pub mod http;
pub mod ws;
pub mod domain;
pub mod hub;
pub mod store;
pub mod bus;
pub mod protocol;
pub mod config;
pub mod telemetry;
pub mod metrics;
pub mod model;
