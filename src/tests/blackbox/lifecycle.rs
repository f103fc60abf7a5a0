//! How a server starts, refuses to, ends, and gets rid of what is no longer there.

use crate::support::raw::Raw;
use crate::support::rest::Rest;
use crate::support::server::{Server, Setup};
use crate::support::wire::{Codec, Incoming, Socket, upgrade};
use crate::support::{PATIENCE, within};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn stdout_says_where_and_nothing_else() {
    let (_setup, mut server) = Server::fresh(&[("BELFRY_METRICS_LISTEN", "127.0.0.1:0")]).await;
    let [metrics, listening] = server.started.as_slice() else { panic!("two lines: {:?}", server.started) };
    let metrics = metrics.strip_prefix("metrics at http://").expect("where the metrics are");
    assert_eq!(*listening, format!("listening on http://{}", server.address));
    let metrics = metrics.split_once('/').map_or(metrics, |(address, _)| address).to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("http://{metrics}/metrics")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let ready = http.get(format!("http://{}/health/ready", server.address)).send().await.unwrap();
    assert_eq!(ready.status(), 200, "ready when it says that it listens");
    server.signal("TERM").await;
    let (status, rest) = server.ended().await;
    assert_eq!((status.code(), rest), (Some(0), Vec::new()));

    let (_setup, server) = Server::fresh(&[]).await;
    assert_eq!(server.started, [format!("listening on http://{}", server.address)], "without metrics, one line");
}

#[tokio::test]
async fn what_cannot_run_ends_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = Setup::new(&[("BELFRY_LISTEN", &taken.local_addr().unwrap().to_string())]);
    let (code, stdout, stderr) = port.run(&["serve"]).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "a taken port: {stderr}");

    let (mut setup, server) = Server::fresh(&[]).await;
    setup.set("BELFRY_LISTEN", "127.0.0.1:0");
    let (code, stdout, stderr) = setup.run(&["serve"]).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "a taken data folder: {stderr}");
    // Its other subcommands work beside it.
    assert_eq!(setup.tokens("Someone", 3).await.len(), 3);
    Socket::signed_in(server.address, Codec::Json, &setup.token("Someone 1").await).await;
}

#[tokio::test]
async fn an_unusable_setting_ends_with_2_and_one_clear_line() {
    let cases = [
        ("BELFRY_HEARTBEAT", "soon"),
        ("BELFRY_HEARTBEAT", "20"),
        ("BELFRY_LISTEN", "nowhere"),
        ("BELFRY_METRICS_LISTEN", "never"),
        ("BELFRY_RATE_LIMITS", "maybe"),
        ("BELFRY_REGISTRATION", "yes"),
        ("BELFRY_MAX_SOCKETS_PER_USER", "-1"),
        ("BELFRY_MAX_SOCKETS_PER_USER", "many"),
        ("BELFRY_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("BELFRY_ORIGINS", "app.example.com"),
        ("BELFRY_PUBLIC_URL", "app.example.com"),
        ("DATABASE_URL", "mysql://localhost/belfry"),
        ("DATABASE_URL", "postgres://localhost/belfry"),
    ];
    let mut wrong = Vec::new();
    for (name, value) in cases {
        let (code, stdout, stderr) = Setup::new(&[(name, value)]).run(&["serve"]).await;
        let lines = stderr.lines().filter(|line| !line.trim().is_empty()).count();
        if (code, stdout.as_str(), lines) != (Some(2), "", 1) {
            wrong.push(format!("{name}={value}: exit {code:?}, {lines} lines: {stderr}"));
        }
    }
    // Without a secret of its own, Postgres instances would not know each other's tokens: that is the line to expect.
    let (_, _, stderr) = Setup::new(&[("DATABASE_URL", "postgres://localhost/belfry")]).run(&["serve"]).await;
    if !stderr.contains("BELFRY_JWT_SECRET") {
        wrong.push(format!("the missing secret is not named: {stderr}"));
    }
    // A secret is never printed, usable or not.
    let (_, stdout, stderr) = Setup::new(&[("DATABASE_URL", "mysql://u:swordfish@h/d")]).run(&["serve"]).await;
    if stdout.contains("swordfish") || stderr.contains("swordfish") {
        wrong.push(format!("a password was printed: {stderr}"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn sigterm_sends_everyone_away_and_keeps_what_was_written() {
    let (setup, mut server) = Server::fresh(&[]).await;
    let token = setup.token("Person").await;
    let rest = Rest::new(server.address).with(&token);
    let post = rest.post("a post").await;
    let mut sockets = Vec::new();
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &token).await;
        socket.subscribe(&format!("post:{post}")).await;
        sockets.push(socket);
    }
    let create = json!({"type": "comment.create", "post_id": post, "body": "kept"});
    let comment = sockets[0].reply(create).await;
    server.signal("TERM").await;
    for socket in &mut sockets {
        let away = socket.until("going_away", |message| message["type"] == "going_away").await;
        assert!(away["reconnect_after_ms"].is_u64(), "{away}");
        assert_eq!(socket.closed().await, Some(1012));
    }
    assert_eq!(server.ended().await.0.code(), Some(0));
    drop(server);
    let server = setup.start().await;
    let (_, _, comments) = Rest::new(server.address).comments(post).await;
    assert_eq!(comments.iter().map(|comment| &comment["id"]).collect::<Vec<_>>(), [&comment["id"]]);
    // The secrets in the data folder are the same, so the token still is one.
    Socket::signed_in(server.address, Codec::Json, &token).await;
}

#[tokio::test]
async fn a_second_sigterm_ends_at_once_with_1() {
    let (setup, mut server) = Server::fresh(&[("BELFRY_DRAIN", "60s")]).await;
    let token = setup.token("Person").await;
    // A request that does not end holds up the drain.
    let mut request = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /api/v1/posts HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        server.address
    );
    request.write_all(head.as_bytes()).await.unwrap();
    let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
    server.signal("TERM").await;
    socket.until("going_away", |message| message["type"] == "going_away").await;
    server.signal("TERM").await;
    assert_eq!(server.ended().await.0.code(), Some(1));
}

#[tokio::test]
async fn sigterm_keeps_the_doors_open_for_the_delay_and_says_so_and_a_second_signal_ends_it_at_once() {
    let (_setup, mut server) =
        Server::fresh(&[("BELFRY_DRAIN_DELAY", "60s"), ("BELFRY_METRICS_LISTEN", "127.0.0.1:0")]).await;
    let metrics = server.started[0].strip_prefix("metrics at ").unwrap().to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let told = async || http.get(&metrics).send().await.unwrap().text().await.unwrap();
    assert!(told().await.contains("\nbelfry_draining 0\n"));
    let mut before = Socket::open(server.address, Codec::Json).await;
    before.ask(json!({"type": "connect"})).await;
    server.signal("TERM").await;
    within(PATIENCE, "the metrics to say so", async { while !told().await.contains("\nbelfry_draining 1\n") {} }).await;
    let ready = http.get(format!("http://{}/health/ready", server.address)).send().await.unwrap();
    assert_eq!((ready.status().as_u16(), ready.headers()["connection"].to_str().unwrap()), (503, "close"));
    let mut new = Socket::open(server.address, Codec::MessagePack).await;
    assert_eq!(new.ask(json!({"type": "connect"})).await["type"], "welcome");
    before.assert_alive("SIGTERM").await;
    server.signal("TERM").await;
    assert_eq!(server.ended().await.0.code(), Some(1));
}

#[tokio::test]
async fn a_hand_at_the_keyboard_is_not_kept_waiting() {
    let (_setup, mut server) =
        Server::fresh(&[("BELFRY_DRAIN_DELAY", "60s"), ("BELFRY_DRAIN_WINDOW", "60s"), ("BELFRY_DRAIN", "60s")]).await;
    let mut socket = Socket::open(server.address, Codec::Json).await;
    socket.ask(json!({"type": "connect"})).await;
    server.signal("INT").await;
    assert_eq!(socket.next().await, json!({"type": "going_away", "reconnect_after_ms": 0}));
    assert_eq!(socket.closed().await, Some(1012));
    assert_eq!(server.ended().await.0.code(), Some(0));
}

#[tokio::test]
async fn one_that_says_no_connect_is_closed() {
    let (_setup, server) = Server::fresh(&[("BELFRY_CONNECT_TIMEOUT", "300ms")]).await;
    for path in ["/ws", "/ws/notifications"] {
        let mut socket = Socket::at(server.address, path, Codec::Json).await;
        assert_eq!(socket.closed().await, Some(4401), "{path}");
    }
    // Bad commands are no connect, and buy no time.
    let mut socket = Socket::open(server.address, Codec::Json).await;
    socket.send(&json!({"type": "ping", "id": 1})).await.unwrap();
    assert_eq!(socket.closed().await, Some(4401));
    let post = 999_999;
    let mut shortcut = Socket::at(server.address, &format!("/ws/posts/{post}/live"), Codec::Json).await;
    assert_eq!(shortcut.closed().await, Some(4404), "the shortcut has its own end");
}

#[tokio::test]
async fn one_that_answers_pings_lives_and_hears_a_heartbeat_each_interval() {
    let (_setup, server) = Server::fresh(&[("BELFRY_HEARTBEAT", "300ms")]).await;
    for codec in Codec::ALL {
        let mut socket = Socket::open(server.address, codec).await;
        let welcome = socket.ask(json!({"type": "connect"})).await;
        assert_eq!(welcome["heartbeat_ms"], 300);
        // A dozen of them are six times the silence that closes.
        for _ in 0..12 {
            match within(PATIENCE, "a heartbeat", socket.receive()).await {
                Incoming::Message(message) => assert_eq!(message, json!({"type": "heartbeat"})),
                Incoming::Closed(code) => panic!("closed with {code:?}"),
            }
        }
    }
}

#[tokio::test]
async fn one_from_which_nothing_comes_is_closed_and_reaped() {
    let settings = [("BELFRY_HEARTBEAT", "500ms"), ("BELFRY_MAX_SOCKETS_PER_ADDRESS", "2")];
    let (_setup, server) = Server::fresh(&settings).await;
    // One that signed in and one that is anonymous; neither answers a ping.
    let mut silent = Raw::open(server.address).await;
    silent.send(&json!({"type": "connect", "id": 1})).await;
    let mut other = Raw::open(server.address).await;
    other.send(&json!({"type": "connect", "id": 1})).await;
    assert_eq!(upgrade(server.address, "/ws", &[]).await.err(), Some(429), "both places are taken");
    for raw in [&mut silent, &mut other] {
        raw.abandoned(PATIENCE).await;
        while raw.read(16_384).await {}
        let mut opcodes = Vec::new();
        let close = loop {
            let frame = raw.frame().expect("a close at the end");
            opcodes.push(frame.opcode);
            if frame.opcode == 8 {
                break frame;
            }
        };
        assert_eq!(close.payload.first_chunk(), Some(&4508_u16.to_be_bytes()));
        assert!(opcodes.contains(&9), "it was asked before: {opcodes:?}");
    }
    within(PATIENCE, "both places to be free again", async {
        while upgrade(server.address, "/ws", &[]).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn a_frame_that_was_begun_has_to_end() {
    let (_setup, server) = Server::fresh(&[("BELFRY_FRAME_TIMEOUT", "500ms")]).await;
    // In the header, in the mask, in the payload, and between two fragments.
    let beginnings: [&[u8]; 4] =
        [&[0x81], &[0x81, 0x85, 0, 0], &[0x81, 0x85, 0, 0, 0, 0, b'{'], &[1, 0x81, 0, 0, 0, 0, b'{']];
    for beginning in beginnings {
        let mut socket = Socket::open(server.address, Codec::Json).await;
        socket.ask(json!({"type": "connect"})).await;
        socket.transport().write_all(beginning).await.unwrap();
        assert_eq!(socket.closed().await, Some(4508), "{beginning:02x?}");
    }
}

#[tokio::test]
async fn a_close_is_answered() {
    let (_setup, server) = Server::fresh(&[]).await;
    let mut raw = Raw::open(server.address).await;
    raw.send(&json!({"type": "connect", "id": 1})).await;
    let welcome: Value = within(PATIENCE, "welcome", raw.message_of("welcome")).await;
    assert_eq!(welcome["id"], 1);
    raw.send_bytes(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).await;
    while raw.read(16_384).await {}
    let close = raw.frame().expect("the server answers a close");
    assert_eq!((close.opcode, close.payload), (8, vec![0x03, 0xe8]));
    raw.abandoned(Duration::from_secs(5)).await;
}
