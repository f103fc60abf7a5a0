//! The binary: everything is in the library.

use std::process::ExitCode;

/// Holds ten thousand idle sockets in a third less memory than that of glibc, and gives it back when they are gone.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    belfry::cli::run(std::env::args_os())
}
