//! Tabs that come and go while things happen: what each holds as unread is what was unread at the seq it holds.

use super::support::{Client, Instance, Room, within};
use belfry::model::notification::Which;
use belfry::model::{Channel, CommentId, NotificationId, UserId};
use belfry::protocol::Codec;
use belfry::store::Store;
use belfry::store::reacting::React;
use belfry::store::read::Stretch;
use belfry::store::write::{Actor, CreateComment, DeleteComment, Dismiss, EnsurePeople, MarkRead, Notify, Publish};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A tab, and all it ever held: a seq and the number beside it.
struct Tab {
    token: String,
    client: Option<Client>,
    epoch: String,
    seq: i64,
    unread: Option<i64>,
    held: Vec<(i64, i64)>,
}

impl Tab {
    async fn open(instance: &Instance) -> Self {
        let token = instance.person("ada").await;
        let mut tab = Self { token, client: None, epoch: instance.epoch(), seq: 0, unread: None, held: Vec::new() };
        tab.come(instance, false).await;
        tab
    }

    /// Comes (back), from where it was if it may.
    async fn come(&mut self, instance: &Instance, resume: bool) {
        let mut client = Client::at(instance, "/ws", Codec::Json).await;
        let asked = match resume {
            true => json!([{"channel": "me", "epoch": self.epoch, "since": self.seq}]),
            false => json!([{"channel": "me"}]),
        };
        let connect = json!({"type": "connect", "token": self.token, "subscriptions": asked});
        let welcome = client.ask(connect).await;
        self.client = Some(client);
        let subscribed = &welcome["subscriptions"][0];
        self.seq = subscribed["seq"].as_i64().unwrap();
        self.unread = Some(subscribed["unread"].as_i64().unwrap_or_else(|| panic!("no count: {subscribed}")));
        self.note();
    }

    fn note(&mut self) {
        self.held.extend(self.unread.map(|unread| (self.seq, unread)));
    }

    /// Hears until it has this event.
    async fn hear(&mut self, upto: i64) {
        while self.seq < upto {
            let client = self.client.as_mut().unwrap();
            let message = client.next().await;
            self.seq = message["seq"].as_i64().unwrap();
            match message["type"].as_str() {
                Some("event") => {
                    // What tells no count leaves the one that was told.
                    self.unread = message["data"]["unread"].as_i64().or(self.unread);
                    // A void may have counted: what it counted is not told.
                    if message["kind"] == "void" {
                        self.unread = None;
                    }
                }
                Some("resync") => self.unread = None,
                _ => panic!("{message}"),
            }
            self.note();
        }
    }
}

/// Something that happens on Ada's channel.
async fn happens(store: &Store, chance: &mut StdRng, room: Room, bob: UserId, comments: &mut Vec<CommentId>) {
    let (ada, html) = (room.author, "<p>x</p>".to_owned());
    let ids: Vec<NotificationId> =
        store.read().inbox(ada, false, None, 100).await.unwrap().unwrap().items.iter().map(|item| item.id).collect();
    let one = |chance: &mut StdRng| ids.get(chance.random_range(0..=ids.len())).copied();
    match chance.random_range(0..10) {
        0..=3 => {
            let (body, mentions) = ("x".to_owned(), Vec::new());
            let new =
                CreateComment { post_id: room.post, parent_id: None, author: bob, body, html, mentions, key: None };
            comments.push(store.write(new).await.unwrap().value.id);
        }
        4 => {
            let Some(comment_id) = comments.pop() else { return };
            store.write(DeleteComment { comment_id, actor: Actor { user_id: bob, moderates: false } }).await.unwrap();
        }
        5 => {
            let which = one(chance).map_or(Which::All, |id| Which::These(vec![id]));
            store.write(MarkRead { user_id: ada, which }).await.unwrap();
        }
        6 => {
            let Some(id) = one(chance) else { return };
            store.write(Dismiss { user_id: ada, id }).await.unwrap();
        }
        7 => {
            let group = Some("g".to_owned());
            let (kind, title) = ("order".to_owned(), "t".to_owned());
            let to = vec![ada];
            store.write(Notify { to, unknown: 0, kind, title, body: None, url: None, group, key: None }).await.unwrap();
        }
        8 => {
            let comment_id = room.comment(store, "mine").await.id;
            let emoji = "👍".to_owned();
            for on in [true, chance.random_bool(0.5)] {
                let emoji = emoji.clone();
                store.write(React { comment_id, actor: bob, emoji, on, at_most: 20 }).await.unwrap();
            }
        }
        _ => {
            let data = serde_json::value::to_raw_value(&Value::from("x".repeat(20_000))).unwrap();
            let (kind, channel) = ("custom.tick".to_owned(), Channel::User(ada));
            store.write(Publish { channel, kind, data: Arc::from(data), key: None }).await.unwrap();
        }
    }
}

#[tokio::test]
async fn tabs_that_come_and_go_hold_what_was_unread_at_their_seq() {
    let (house, instance) = Instance::with(&["--tail-events", "12"]).await;
    // Hears of the first one's writes by looking.
    let late = house.alone().await;
    let room = instance.room().await;
    let store = &instance.state.store;
    let bob = store.write(EnsurePeople { people: vec![("bob".into(), "Bob".into())] }).await.unwrap()[0].user.id;
    let mut chance = StdRng::seed_from_u64(7);
    let mut tabs = Vec::new();
    for n in 0..6 {
        tabs.push(Tab::open(if n % 3 == 2 { &late } else { &instance }).await);
    }
    let mut comments = Vec::new();
    for _ in 0..120 {
        happens(store, &mut chance, room, bob, &mut comments).await;
        let head = store.read().heads(&[Channel::User(room.author)]).await.unwrap()[&Channel::User(room.author)].seq;
        for (n, tab) in tabs.iter_mut().enumerate() {
            let instance = if n % 3 == 2 { &late } else { &instance };
            match chance.random_range(0..12) {
                0 => tab.client = None,
                1 => tab.come(instance, true).await,
                2 => tab.come(instance, false).await,
                3 if tab.client.is_some() && n % 3 != 2 => tab.hear(head).await,
                _ => {}
            }
        }
    }
    let channel = Channel::User(room.author);
    let head = store.read().heads(&[channel]).await.unwrap()[&channel];
    for (n, tab) in tabs.iter_mut().enumerate() {
        let instance = if n % 3 == 2 { &late } else { &instance };
        if tab.client.is_none() {
            tab.come(instance, true).await;
        }
        within("a tab to be up to date", tab.hear(head.seq)).await;
        assert_eq!(tab.unread.unwrap_or(head.unread), head.unread);
    }
    let stretch = Stretch { channel, after: 0, limit: 10_000, last: false };
    let events = store.read().events(&[stretch]).await.unwrap().remove(&channel).unwrap();
    let mut counts: BTreeMap<i64, i64> = events.iter().map(|event| (event.seq, event.unread.unwrap())).collect();
    counts.insert(0, 0);
    for tab in &tabs {
        for (seq, unread) in &tab.held {
            assert_eq!(counts[seq], *unread, "at {seq}");
        }
    }
    // Each coming is one; how many events are seen besides depends on how fast they are heard.
    let held: usize = tabs.iter().map(|tab| tab.held.len()).sum();
    assert!(held > 100, "too little was seen: {held}");
}

#[tokio::test]
async fn what_a_deleted_post_has_told_is_taken_back_by_an_instance_that_starts() {
    let (house, first) = Instance::open().await;
    let room = first.room().await;
    let store = house.unheard();
    let bob = store.write(EnsurePeople { people: vec![("bob".into(), "Bob".into())] }).await.unwrap()[0].user.id;
    for _ in 0..3 {
        let (body, html, mentions) = ("x".to_owned(), "<p>x</p>".to_owned(), Vec::new());
        let new = CreateComment { post_id: room.post, parent_id: None, author: bob, body, html, mentions, key: None };
        store.write(new).await.unwrap();
    }
    // Nobody here hears of the deletion, as if whoever did it had been killed right after.
    room.end(&store).await;
    let channel = Channel::User(room.author);
    assert_eq!(store.read().heads(&[channel]).await.unwrap()[&channel].unread, 3);
    let second = house.alone().await;
    let mut tab = Tab::open(&second).await;
    within("everything to be taken back", tab.hear(6)).await;
    assert_eq!(tab.unread, Some(0));
    assert!(store.read().inbox(room.author, false, None, 10).await.unwrap().unwrap().items.is_empty());
}
