//! Commands of the contract that are not there yet.

use super::{bad, judge};
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use serde_json::json;

#[tokio::test]
async fn a_command_that_is_not_there_yet_is_an_error_and_closes_nothing() {
    let (setup, server) = Server::fresh(&[]).await;
    let token = setup.token("Person").await;
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &token).await;
        let unknown = &["bad_request"];
        let cases = vec![
            bad("reading", json!({"type": "notifications.read", "all": true}), unknown),
            bad("typing", json!({"type": "typing", "channel": "post:1"}), unknown),
        ];
        judge(&mut socket, cases).await;
    }
}
