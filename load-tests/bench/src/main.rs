//! What fan-out costs: CPU of the server per delivered message, and memory per idle socket, beside the floor.
//!
//! The floor is a bare loop of `send(2)` over the sockets. Rates and times on a machine that others use mean little;
//! CPU per message, as a ratio to the floor of the same run, means what it says.

mod arguments;
mod crowd;
mod driver;
mod floor;
mod http;
mod lists;
mod load;
mod process;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let result = arguments::Arguments::read(arguments).and_then(|mut arguments| match command.as_str() {
        "run" => driver::run(&mut arguments),
        "load" => load::run(&mut arguments),
        "floor" => floor::run(&mut arguments),
        "lists" => lists::run(&mut arguments),
        _ => Err("belfry-bench run|load|floor|lists [--name value …]; see README.md".into()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
