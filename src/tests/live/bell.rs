//! A person's own channel: what the bell shows is the same on every tab, and right at the seq it stands beside.

use super::support::{CODECS, Client, House, Instance, Room};
use belfry::model::UserId;
use belfry::model::page::MAX_LIMIT;
use belfry::protocol::Codec;
use belfry::store::write::{CreateComment, EnsurePeople};
use serde_json::{Value, json};

impl Room {
    /// A comment by somebody else, which the post's author is told of.
    async fn told(self, instance: &Instance, body: &str) -> Value {
        let ensure = EnsurePeople { people: vec![("bob".into(), "Bob".into())] };
        let author = instance.state.store.write(ensure).await.unwrap()[0].user.id;
        let (html, mentions) = (format!("<p>{body}</p>"), Vec::new());
        let body = body.to_owned();
        let new = CreateComment { post_id: self.post, parent_id: None, author, body, html, mentions, key: None };
        let comment = instance.state.store.write(new).await.unwrap().value;
        json!(comment)
    }
}

async fn tab(instance: &Instance, codec: Codec) -> (Client, Value) {
    let token = instance.person("ada").await;
    let mut tab = Client::at(instance, "/ws/notifications", codec).await;
    assert_eq!(tab.ask(json!({"type": "connect", "token": token})).await["type"], "welcome");
    let subscribed = tab.until("to be subscribed", |message| message["type"] == "subscribed").await;
    (tab, subscribed)
}

#[tokio::test]
async fn two_tabs_see_the_bell_count_up_and_drop_together_when_one_reads() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let ((mut one, first), (mut other, _)) = (tab(&instance, Codec::Json).await, tab(&instance, Codec::MsgPack).await);
    assert_eq!((&first["unread"], &first["seq"]), (&json!(0), &json!(0)));
    let mut ids = Vec::new();
    for n in 1..=3 {
        let comment = room.told(&instance, &format!("hello {n}")).await;
        for tab in [&mut one, &mut other] {
            let event = tab.event("notification.created", n).await;
            assert_eq!(
                (&event["channel"], &event["data"]["unread"]),
                (&json!(format!("user:{}", room.author)), &json!(n))
            );
            let told = &event["data"]["notification"];
            assert_eq!((&told["kind"], &told["comment_id"]), (&json!("comment"), &comment["id"]));
            assert_eq!((&told["body"], &told["actors"][0]["handle"]), (&json!(format!("hello {n}")), &json!("bob")));
            ids.push(told["id"].clone());
        }
    }
    let answer = other.ask(json!({"type": "notifications.read", "ids": [ids[0]]})).await;
    assert_eq!(answer["data"], json!({"unread": 2, "seq": 4}));
    for tab in [&mut one, &mut other] {
        assert_eq!(tab.event("notifications.read", 4).await["data"], json!({"ids": [ids[0]], "unread": 2}));
    }
    let answer = one.ask(json!({"type": "notifications.read", "all": true})).await;
    assert_eq!(answer["data"], json!({"unread": 0, "seq": 5}));
    for tab in [&mut one, &mut other] {
        assert_eq!(tab.event("notifications.read", 5).await["data"], json!({"all": true, "unread": 0}));
    }
    let (_late, subscribed) = tab(&instance, Codec::Json).await;
    assert_eq!((&subscribed["unread"], &subscribed["seq"]), (&json!(0), &json!(5)));
}

#[tokio::test]
async fn what_makes_no_sense_is_an_error_on_its_id() {
    let (_house, instance) = Instance::open().await;
    let (mut tab, _) = tab(&instance, Codec::Json).await;
    for (bad, code) in [
        (json!({"type": "notifications.read"}), "bad_request"),
        (json!({"type": "notifications.read", "ids": [1], "all": true}), "bad_request"),
        (json!({"type": "notifications.read", "ids": [0]}), "bad_request"),
        (json!({"type": "notifications.read", "ids": []}), "unprocessable"),
        (json!({"type": "notifications.read", "ids": "all"}), "bad_request"),
    ] {
        assert_eq!(tab.ask(bad.clone()).await["error"]["code"], code, "{bad}");
    }
    let mut nobody = Client::anonymous(&instance, Codec::Json).await;
    let refused = nobody.ask(json!({"type": "notifications.read", "all": true})).await;
    assert_eq!(refused["error"]["code"], "unauthenticated");
}

async fn back(instance: &Instance, codec: Codec, since: i64) -> Value {
    let mut client = Client::at(instance, "/ws", codec).await;
    let token = instance.person("ada").await;
    let asked = json!([{"channel": "me", "epoch": instance.epoch(), "since": since}]);
    let welcome = client.ask(json!({"type": "connect", "token": token, "subscriptions": asked})).await;
    welcome["subscriptions"][0].clone()
}

/// An instance with a quiet bell, another with what was told: `(seq, unread)` after each event.
async fn told_and_read() -> (House, Instance, Room, Vec<(i64, i64)>) {
    let (house, instance) = Instance::open().await;
    let room = instance.room().await;
    let token = instance.person("ada").await;
    let mut tab = Client::signed_in(&instance, &token).await;
    for n in 0..6 {
        room.told(&instance, &n.to_string()).await;
    }
    tab.ask(json!({"type": "notifications.read", "all": true})).await;
    room.told(&instance, "later").await;
    let counts = vec![(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 0), (8, 1)];
    (house, instance, room, counts)
}

#[tokio::test]
async fn unread_is_the_count_at_the_seq_it_stands_beside() {
    let (house, instance, room, counts) = told_and_read().await;
    for codec in CODECS {
        // Once out of what was live here, once out of what another instance reads from the store.
        for instance in [&instance, &house.alone().await] {
            for since in 0..=8 {
                let subscribed = back(instance, codec, since).await;
                assert_eq!((&subscribed["recovered"], &subscribed["seq"]), (&json!(true), &json!(8)));
                assert_eq!(subscribed["unread"], 1, "since {since}");
            }
        }
    }
    // Too much for the answer: it stops at a seq of its own.
    for n in 0..8 {
        let data = json!("x".repeat(20_000));
        let kind = "custom.tick".to_owned();
        let data = std::sync::Arc::from(serde_json::value::to_raw_value(&data).unwrap());
        let channel = belfry::model::Channel::User(room.author);
        instance.state.store.write(belfry::store::write::Publish { channel, kind, data, key: None }).await.unwrap();
        room.told(&instance, &format!("more {n}")).await;
    }
    for instance in [&instance, &house.alone().await] {
        for since in 0..=20 {
            let subscribed = back(instance, Codec::Json, since).await;
            let seq = subscribed["seq"].as_i64().unwrap();
            let expected = counts.iter().find(|(at, _)| *at == seq).map_or(1 + (seq - 8) / 2, |(_, unread)| *unread);
            assert_eq!(subscribed["unread"], expected, "since {since}, at {seq}");
        }
    }
}

#[tokio::test]
async fn a_comment_deleted_is_told_by_no_bell_any_more() {
    const SECRET: &str = "swordfish";
    let (house, instance) = Instance::open().await;
    let room = instance.room().await;
    let (mut live, _) = tab(&instance, Codec::Json).await;
    let comment = room.told(&instance, SECRET).await;
    live.event("notification.created", 1).await;
    let moderator = belfry::store::write::Actor { user_id: UserId(1), moderates: true };
    let comment_id = serde_json::from_value(comment["id"].clone()).unwrap();
    let delete = belfry::store::write::DeleteComment { comment_id, actor: moderator };
    instance.state.store.write(delete).await.unwrap();
    let gone = live.event("notification.deleted", 2).await;
    assert_eq!(gone["data"]["unread"], 0);
    for instance in [&instance, &house.alone().await] {
        for codec in CODECS {
            let subscribed = back(instance, codec, 0).await;
            let kinds: Vec<_> = subscribed["events"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
            assert_eq!(kinds, ["void", "notification.deleted"]);
            assert!(!subscribed.to_string().contains(SECRET));
        }
    }
    let inbox = instance.state.store.read().inbox(room.author, false, None, MAX_LIMIT).await.unwrap().unwrap();
    assert_eq!((inbox.items.len(), inbox.unread), (0, 0));
}
