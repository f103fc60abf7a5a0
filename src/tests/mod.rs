//! Integration tests: one file per behaviour, over the real router and store.

mod accounts_rest;
mod command_line;
mod content_rest;
mod site;
