//! The upgrade: from where, and in which subprotocol.

use crate::support::server::Server;
use crate::support::wire::{Codec, Socket, upgrade};
use reqwest::Client;
use serde_json::json;

async fn status(server: &Server, headers: &[(&str, &str)]) -> u16 {
    match upgrade(server.address, "/ws", headers).await {
        Ok(_) => 101,
        Err(status) => status,
    }
}

#[tokio::test]
async fn only_allowed_origins_are_let_in() {
    let origins = "https://app.example.com,http://site.example:8080";
    let (_setup, server) = Server::fresh(&[("BELFRY_ORIGINS", origins)]).await;
    let (own, port) = (server.address, server.address.port());
    assert_eq!(status(&server, &[]).await, 101, "no origin: no browser");
    let good = [
        format!("http://{own}"),
        "https://app.example.com".to_owned(),
        "http://site.example:8080".to_owned(),
        // Browsers write neither, but both are the same origin.
        "https://app.example.com:443".to_owned(),
        "HTTPS://App.Example.com".to_owned(),
    ];
    let evil = [
        "null".to_owned(),
        String::new(),
        format!("http://{own}.evil.example"),
        format!("http://{}:{}", own.ip(), port ^ 1),
        format!("http://{}", own.ip()),
        format!("http://user@{own}"),
        format!("http://{own}/path"),
        "http://app.example.com".to_owned(),
        "https://app.example.com:8443".to_owned(),
        "https://app.example.com.evil.example".to_owned(),
        "https://evil-app.example.com".to_owned(),
        "https://sub.app.example.com".to_owned(),
        "https://app.example.com@evil.example".to_owned(),
        "https://evil.example/https://app.example.com".to_owned(),
        "https://evil.example?https://app.example.com".to_owned(),
        "https://app.example.com https://evil.example".to_owned(),
        "http://site.example".to_owned(),
        "http://localhost".to_owned(),
        "file://".to_owned(),
        "*".to_owned(),
    ];
    let mut wrong = Vec::new();
    for (origin, wanted) in good.iter().map(|origin| (origin, 101)).chain(evil.iter().map(|origin| (origin, 403))) {
        let got = status(&server, &[("origin", origin)]).await;
        if got != wanted {
            wrong.push(format!("{origin:?}: wanted {wanted}, got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let twice = status(&server, &[("origin", "https://app.example.com"), ("origin", "https://evil.example")]).await;
    assert_ne!(twice, 101, "two origins are none");
}

#[tokio::test]
async fn config_tells_a_browser_why_it_was_refused() {
    let (_setup, server) = Server::fresh(&[("BELFRY_ORIGINS", "https://app.example.com")]).await;
    for (origin, allowed) in [("https://app.example.com", true), ("https://evil.example", false)] {
        let request = Client::builder().no_proxy().build().unwrap();
        let request = request.get(format!("http://{}/api/v1/config", server.address)).header("origin", origin);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let readable = answer.headers()["access-control-allow-origin"].to_str().unwrap().to_owned();
        assert!(readable == "*" || readable == origin, "{readable}");
        let config: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(config["origin_allowed"], allowed, "{origin}: {config}");
        assert_eq!((&config["heartbeat_ms"], &config["max_comment_chars"]), (&json!(20_000), &json!(10_000)));
        assert!(config["version"].is_string() && !config["registration"].is_null(), "{config}");
    }
}

#[tokio::test]
async fn a_subprotocol_is_chosen_from_what_is_offered() {
    let (_setup, server) = Server::fresh(&[]).await;
    let cases = [
        ("belfry.v1.json", Codec::Json),
        ("belfry.v1.msgpack", Codec::MessagePack),
        ("belfry.v9.json, belfry.v1.msgpack", Codec::MessagePack),
        ("chat , belfry.v1.json", Codec::Json),
    ];
    for (offered, codec) in cases {
        let (stream, answer) = upgrade(server.address, "/ws", &[("sec-websocket-protocol", offered)]).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], codec.subprotocol(), "{offered}");
        let mut socket = Socket::over(stream, codec);
        assert_eq!(socket.ask(json!({"type": "connect"})).await["type"], "welcome");
    }
    let both = upgrade(server.address, "/ws", &[("sec-websocket-protocol", "belfry.v1.msgpack, belfry.v1.json")]).await;
    let (stream, answer) = both.unwrap();
    let chosen = answer.headers()["sec-websocket-protocol"].to_str().unwrap().to_owned();
    let codec = Codec::ALL.into_iter().find(|codec| codec.subprotocol() == chosen).expect("one of the two");
    assert_eq!(Socket::over(stream, codec).ask(json!({"type": "connect"})).await["type"], "welcome");

    let (stream, answer) = upgrade(server.address, "/ws", &[]).await.unwrap();
    assert!(!answer.headers().contains_key("sec-websocket-protocol"), "none offered, none chosen");
    assert_eq!(Socket::over(stream, Codec::Json).ask(json!({"type": "connect"})).await["type"], "welcome");
    for offered in ["chat", "belfry.v2.json", "belfry.v1", "BELFRY.V1.JSON"] {
        assert_eq!(status(&server, &[("sec-websocket-protocol", offered)]).await, 400, "{offered}");
    }
}

#[tokio::test]
async fn what_is_no_upgrade_is_refused_as_http() {
    let (_setup, server) = Server::fresh(&[]).await;
    let http = Client::builder().no_proxy().build().unwrap();
    let plain = http.get(format!("http://{}/ws", server.address)).send().await.unwrap();
    assert!(plain.status().is_client_error(), "{}", plain.status());
    let old = http.get(format!("http://{}/ws", server.address)).header("connection", "upgrade");
    let old = old.header("upgrade", "websocket").header("sec-websocket-version", "8");
    let old = old.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").send().await.unwrap();
    assert!(matches!(old.status().as_u16(), 400 | 426), "{}", old.status());
}
