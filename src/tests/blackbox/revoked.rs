//! Access that ends, ends at once: logout, a ban, a deleted post.

use crate::support::rest::Rest;
use crate::support::server::{Server, Setup};
use crate::support::wire::{Codec, Socket, upgrade};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The promise is 2 s; what else the machine does is not held against it.
const SOON: Duration = Duration::from_secs(5);

async fn stage() -> (Setup, Server, Rest) {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let rest = Rest::new(server.address);
    (setup, server, rest)
}

async fn register(rest: &Rest, name: &str) -> Value {
    let account = json!({
        "name": name, "email": format!("{}@example.org", name.to_lowercase()), "password": "a long enough password",
        "session": "body",
    });
    rest.good(Method::POST, "/auth/register", Some(account)).await
}

fn token(answer: &Value) -> &str {
    answer["access_token"].as_str().unwrap()
}

async fn login(rest: &Rest, name: &str) -> Value {
    let email = format!("{}@example.org", name.to_lowercase());
    let login = json!({"email": email, "password": "a long enough password", "session": "body"});
    rest.good(Method::POST, "/auth/login", Some(login)).await
}

async fn assert_refused(server: &Server, rest: &Rest, token: &str) {
    let mut socket = Socket::open(server.address, Codec::Json).await;
    let error = socket.ask(json!({"type": "connect", "token": token})).await;
    assert_eq!(error["error"]["code"], "forbidden", "{error}");
    assert_eq!(socket.closed().await, Some(4403));
    let (status, answer) = rest.with(token).call(Method::GET, "/users/me", None).await;
    assert_eq!(status, 401, "{answer}");
    let bearer = format!("Bearer {token}");
    assert_eq!(upgrade(server.address, "/ws", &[("authorization", &bearer)]).await.err(), Some(401));
}

#[tokio::test]
async fn logging_out_ends_that_sessions_sockets_and_no_others() {
    let (_setup, server, rest) = stage().await;
    let first = register(&rest, "Ada").await;
    let second = login(&rest, "Ada").await;
    let mut ended = Vec::new();
    for codec in Codec::ALL {
        ended.push(Socket::signed_in(server.address, codec, token(&first)).await);
    }
    let mut kept = Socket::signed_in(server.address, Codec::Json, token(&second)).await;
    rest.with(token(&first)).good(Method::POST, "/auth/logout", None).await;
    for socket in &mut ended {
        assert_eq!(socket.closed_within(SOON).await, Some(4403));
    }
    kept.assert_alive("another session's end").await;
    assert_refused(&server, &rest, token(&first)).await;
    let third = login(&rest, "Ada").await;
    let mut other = Socket::signed_in(server.address, Codec::MessagePack, token(&third)).await;
    rest.with(token(&second)).good(Method::POST, "/auth/logout?everywhere=true", None).await;
    for (socket, answer) in [(&mut kept, &second), (&mut other, &third)] {
        assert_eq!(socket.closed_within(SOON).await, Some(4403));
        assert_refused(&server, &rest, token(answer)).await;
    }
    // One that signs in again is as welcome as before.
    Socket::signed_in(server.address, Codec::Json, token(&login(&rest, "Ada").await)).await;
}

#[tokio::test]
async fn a_session_that_ended_stays_so_after_a_kill() {
    let (setup, server, rest) = stage().await;
    let person = register(&rest, "Eve").await;
    rest.with(token(&person)).good(Method::POST, "/auth/logout", None).await;
    server.kill().await;
    let server = setup.start().await;
    assert_refused(&server, &Rest::new(server.address), token(&person)).await;
}

async fn banned(setup: &Setup, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["ban"].iter().chain(arguments).copied().collect();
    let (code, stdout, stderr) = setup.run(&arguments).await;
    assert_eq!(code, Some(0), "belfry {arguments:?}: {stderr}");
    stdout
}

#[tokio::test]
async fn a_banned_person_is_out_until_the_ban_is_lifted_and_everything_from_before_is_good_again() {
    let (setup, server, rest) = stage().await;
    let ada = register(&rest, "Ada").await;
    let mut sockets = Vec::new();
    for codec in Codec::ALL {
        sockets.push(Socket::signed_in(server.address, codec, token(&ada)).await);
    }
    // By an operator's hand, beside the server.
    banned(&setup, &["ada", "--for", "7d", "--reason", "spam"]).await;
    for socket in &mut sockets {
        assert_eq!(socket.closed_within(SOON).await, Some(4403));
    }
    assert_refused(&server, &rest, token(&ada)).await;
    let login_again = json!({"email": "ada@example.org", "password": "a long enough password", "session": "body"});
    let (status, answer) = rest.call(Method::POST, "/auth/login", Some(login_again)).await;
    assert_eq!((status.as_u16(), &answer["code"]), (403, &json!("forbidden")), "{answer}");
    let refresh = || Some(json!({"refresh_token": ada["refresh_token"]}));
    let (status, answer) = rest.call(Method::POST, "/auth/refresh", refresh()).await;
    assert_eq!((status.as_u16(), &answer["code"]), (403, &json!("forbidden")), "{answer}");

    // By a moderator.
    let moderator = setup.token("Mo").await;
    assert_eq!(setup.run(&["role", "mo", "moderator"]).await.0, Some(0));
    let moderator = rest.with(&setup.token("Mo").await).with(&moderator);
    let path = format!("/users/{}/ban", ada["user"]["id"]);
    let lifted = async {
        // The role is heard of within a sweep.
        while moderator.call(Method::DELETE, &path, None).await.0 != 204 {}
    };
    tokio::time::timeout(SOON, lifted).await.unwrap();
    rest.with(token(&ada)).get("/users/me").await;
    Socket::signed_in(server.address, Codec::Json, token(&ada)).await;
    rest.good(Method::POST, "/auth/refresh", refresh()).await;
    login(&rest, "Ada").await;
    assert_eq!(banned(&setup, &["--list"]).await, "");
}

#[tokio::test]
async fn a_token_of_the_hosts_site_that_was_signed_out_stays_so_after_a_kill_and_its_person_the_same() {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off"), ("BELFRY_HOST_SECRET", "shared")]).await;
    let signed = |jti: u64| {
        let claims = json!({"sub": "u-1", "name": "Ada", "exp": 4_000_000_000_u64, "jti": jti});
        let key = jsonwebtoken::EncodingKey::from_secret(b"shared");
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
    };
    let (ended, kept) = (signed(1), signed(2));
    let rest = Rest::new(server.address);
    let id = rest.with(&ended).own_id().await;
    let mut socket = Socket::signed_in(server.address, Codec::MessagePack, &ended).await;
    rest.with(&ended).good(Method::POST, "/auth/logout", None).await;
    assert_eq!(socket.closed_within(SOON).await, Some(4403));
    server.kill().await;
    let server = setup.start().await;
    let rest = Rest::new(server.address);
    assert_refused(&server, &rest, &ended).await;
    assert_eq!(rest.with(&kept).own_id().await, id);
    Socket::signed_in(server.address, Codec::Json, &kept).await.assert_alive("a token of the same person").await;
}
