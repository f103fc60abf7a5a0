//! What befalls a fleet, one fault after the other, beneath clients that write, react and read all the while. After each:
//! nothing that was acknowledged is lost, doubled or reordered, every client stands at every head, and nothing is left over.
//!
//! Each fault is a test, and takes place in a short form wherever tests run; `BELFRY_FAULTS=full`, as `make faults` sets it,
//! gives it its full length. Each prints its line of the table. Postgres and Redis are started here, so that they can be
//! killed.

mod services;
mod postgres;
mod proxy;
mod balancer;
mod fleet;
mod gauges;
mod report;
mod instances;
mod database;
mod bus;
mod backups;
mod disks;
mod crowds;
mod network;
