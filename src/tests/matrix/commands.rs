//! Every command of the socket.

use super::{EVERYBODY, Scene, Stage, Who, cells};
use crate::live::support::{Client, within};
use belfry::protocol::Codec;
use belfry::protocol::client::ClientMessage;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self};

/// The command's type, what everybody is answered, and the command. `ok` is any answer but an error, which is named by its
/// code; `shut` means that there is no socket to send it by.
type Row = (&'static str, &'static str, fn(&Scene) -> Value);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                     nobody          other     author mod       banned    publish         notify          posts           users           host
    ("connect",            "ok             ok        ok     ok        forbidden unauthenticated unauthenticated unauthenticated unauthenticated ok", |s| json!({"token": s.token})),
    ("refresh",            "unauthenticated ok       ok     ok        shut      shut            shut            shut            shut            ok", |s| json!({"token": s.token.as_deref().unwrap_or("x")})),
    ("subscribe",          "ok             ok        ok     ok        shut      shut            shut            shut            shut            ok", |s| json!({"channel": format!("post:{}", s.post)})),
    ("subscribe",          "forbidden      forbidden ok     forbidden shut      shut            shut            shut            shut            forbidden", |s| json!({"channel": format!("user:{}", s.author)})),
    ("subscribe",          "forbidden      ok        ok     ok        shut      shut            shut            shut            shut            ok", |_| json!({"channel": "me"})),
    ("unsubscribe",        "ok             ok        ok     ok        shut      shut            shut            shut            shut            ok", |s| json!({"channel": format!("post:{}", s.post)})),
    ("comment.create",     "unauthenticated ok       ok     ok        shut      shut            shut            shut            shut            ok", |s| json!({"post_id": s.post, "body": "b"})),
    ("comment.edit",       "unauthenticated forbidden ok    forbidden shut      shut            shut            shut            shut            forbidden", |s| json!({"comment_id": s.comment, "body": "new"})),
    ("comment.delete",     "unauthenticated forbidden ok    ok        shut      shut            shut            shut            shut            forbidden", |s| json!({"comment_id": s.comment})),
    ("comment.react",      "unauthenticated ok       ok     ok        shut      shut            shut            shut            shut            ok", |s| json!({"comment_id": s.comment, "emoji": "👍", "on": true})),
    ("notifications.read", "unauthenticated ok       ok     ok        shut      shut            shut            shut            shut            ok", |_| json!({"all": true})),
    ("typing",             "unauthenticated ok       ok     ok        shut      shut            shut            shut            shut            ok", |s| json!({"channel": format!("post:{}", s.post)})),
    ("signal",             "unauthenticated ok       ok     ok        shut      shut            shut            shut            shut            ok", |s| json!({"channel": format!("post:{}", s.post), "data": 1})),
    ("ping",               "ok             ok        ok     ok        shut      shut            shut            shut            shut            ok", |_| json!({})),
];

impl Stage {
    /// The status of an upgrade.
    pub(super) async fn upgrade(&self, path: &str, token: Option<&str>) -> u16 {
        let mut request = format!("ws://{}{path}", self.instance.address).into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        match within("the upgrade", tokio_tungstenite::connect_async(request)).await {
            Ok((_, response)) => response.status().as_u16(),
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    }

    /// What somebody is answered to a command; those who follow the room, before.
    async fn told(&self, who: Who, kind: &str, mut command: Value, scene: &Scene) -> String {
        command["type"] = json!(kind);
        let connects = kind == "connect";
        if !connects && matches!(who, Who::Banned | Who::Key(_)) {
            let status = self.upgrade("/ws", scene.token.as_deref()).await;
            return if matches!(status, 401 | 403) { "shut".into() } else { status.to_string() };
        }
        let mut client = Client::at(&self.instance, "/ws", Codec::Json).await;
        if !connects {
            let welcome = client.ask(json!({"type": "connect", "token": scene.token})).await;
            assert_eq!(welcome["type"], "welcome", "{who:?}");
            client.subscribe(&format!("post:{}", scene.post)).await;
        }
        let answer = client.ask(command).await;
        answer["error"]["code"].as_str().unwrap_or("ok").to_owned()
    }
}

#[tokio::test]
async fn everybody_is_answered_on_the_socket_as_the_table_says() {
    let stage = Stage::open().await;
    let mut wrong = Vec::new();
    for (kind, row, command) in TABLE {
        for (who, cell) in EVERYBODY.into_iter().zip(cells(row)) {
            let scene = stage.scene(who, kind).await;
            let told = stage.told(who, kind, command(&scene), &scene).await;
            if told != cell {
                wrong.push(format!("{kind} as {who:?}: {told}, not {cell}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_command_stands_in_the_table() {
    let listed: BTreeSet<&str> = TABLE.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(listed, BTreeSet::from(ClientMessage::KINDS), "the rows of src/tests/matrix/commands.rs");
}
