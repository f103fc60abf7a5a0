//! Integration tests: one file per behaviour, over the real router and store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accounts_rest;
mod command_line;
mod content_rest;
mod found_rest;
mod history_rest;
mod live;
mod matrix;
mod notifications_rest;
mod notify_rest;
mod openapi;
mod pages_rest;
mod posts_rest;
mod publish_rest;
mod reactions_rest;
mod site;
mod threads_rest;
