//! What fan-out costs: CPU of the server per delivered message, memory per idle socket, times and rates, beside the floor
//! and beside other servers of the field.
//!
//! The floor is a bare loop of `send(2)` over the sockets. Rates and times on a machine that others use mean little;
//! CPU per message, as a ratio to the floor of the same run, means what it says.

mod appending;
mod appends;
mod arguments;
mod belfry;
mod bus;
mod crowd;
mod dialect;
mod driver;
mod fairness;
mod fleet;
mod flight;
mod floor;
mod http;
mod lists;
mod load;
mod modes;
mod neighbours;
mod peers;
mod plot;
mod process;
mod publisher;
mod report;
mod results;
mod server;
mod storm;
mod tally;
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
        "appends" => appends::run(&mut arguments),
        "fairness" => fairness::run(&mut arguments),
        "report" => report::run(&mut arguments),
        "bus" => bus::run(&mut arguments),
        "storm" => storm::run(&mut arguments),
        _ => Err("belfry-bench run|load|floor|lists|appends|fairness|report|bus|storm [--name value …]; see README.md"
            .into()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
