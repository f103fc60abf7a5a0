//! Every bound at its edge and one beyond, and every input that is none.

mod commands;
mod contents;
mod frames;
mod identity;
mod rates;
mod rest;
mod upgrade;

use crate::support::wire::Socket;
use serde_json::Value;

/// The code of an error answer; what is no error has none.
fn code(answer: &Value) -> Option<&str> {
    answer["error"]["code"].as_str()
}

/// A command and the codes of which one must answer it; none: it must succeed.
struct Case {
    what: &'static str,
    command: Value,
    codes: &'static [&'static str],
}

fn good(what: &'static str, command: Value) -> Case {
    Case { what, command, codes: &[] }
}

fn bad(what: &'static str, command: Value, codes: &'static [&'static str]) -> Case {
    Case { what, command, codes }
}

/// Asks each case on one socket, and after each whether the socket is still there. All that fail are told at once.
async fn judge(socket: &mut Socket, cases: impl IntoIterator<Item = Case>) {
    let mut wrong = Vec::new();
    for Case { what, command, codes } in cases {
        let answer = socket.ask(command).await;
        let right = match code(&answer) {
            None => codes.is_empty(),
            Some(code) => codes.contains(&code) && answer["error"]["detail"].is_string(),
        };
        if !right {
            let told: String = answer.to_string().chars().take(300).collect();
            wrong.push(format!("{what}: wanted {codes:?}, got {told}"));
        }
        socket.assert_alive(what).await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
