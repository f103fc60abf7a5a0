//! Integration tests: one file per behaviour, over the real router and store.

mod content_rest;
mod site;
