//! What was done and what was seen: the material of the checker, and how it is written down.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A comment with an idempotency key.
    Create,
    /// A comment's text is made the one that bears this version.
    Edit {
        /// Which comment.
        comment: u64,
        /// Higher than every version of it before.
        version: u32,
    },
    /// A comment is deleted.
    Delete {
        /// Which comment.
        comment: u64,
    },
    /// A person's emoji on a comment is put there or taken away.
    React {
        /// Which comment.
        comment: u64,
        /// Which emoji.
        emoji: &'static str,
        /// Whether it is to be there.
        on: bool,
    },
    /// A notification is read.
    Read {
        /// Which.
        notification: u64,
    },
}

/// A line of the history. Its place tells when: an answer that stands before an invocation was there before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A client is about to send a write for the first time. Later attempts are not told.
    Invoke {
        /// Names the write; of a create, also its idempotency key.
        key: String,
        /// Where.
        channel: String,
        /// What.
        action: Action,
    },
    /// The server acknowledged it.
    Ok {
        /// The write.
        key: String,
        /// The comment, or the notification.
        id: u64,
        /// Of a create the comment's `seq`, of an edit or a deletion its `updated_seq`, else the one answered.
        seq: u64,
    },
    /// The server refused it for good.
    Fail {
        /// The write.
        key: String,
    },
    /// The client gave up without an answer: it may have happened or not.
    Info {
        /// The write.
        key: String,
    },
}

/// What an event was about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A comment.
    Comment(u64),
    /// A notification.
    Notification(u64),
    /// Something else, or nothing that may still be told.
    #[default]
    None,
}

/// One person's emoji, put on a comment or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toggle {
    /// Who.
    pub user: u64,
    /// Which emoji.
    pub emoji: String,
    /// Whether it is there from now on.
    pub on: bool,
}

/// An event as one view, or the log, told it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its place.
    pub seq: u64,
    /// What happened; `void` may stand for any.
    pub kind: String,
    /// To what.
    pub subject: Subject,
    /// The version that the shown text bears; deleted is above every version.
    pub version: Option<u32>,
    /// `comment_count` after it, where it tells one.
    pub count: Option<i64>,
    /// `by` of reactions.
    pub by: Vec<Toggle>,
    /// `unread` after it, where it tells one.
    pub unread: Option<i64>,
}

/// Above every version: the text is gone.
pub const DELETED: u32 = u32::MAX;

/// What a view was told about one channel, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// An answer to `subscribe`. Unless recovered, the view begins anew at `seq`.
    Subscribed {
        /// Of the channel.
        epoch: String,
        /// Where the view stands before the events that follow.
        seq: u64,
        /// Whether it goes on from where it stood.
        recovered: bool,
    },
    /// An event, live or recovered.
    Event(Event),
    /// A hole that was told: the view begins anew at `seq`.
    Resync {
        /// Of the channel.
        epoch: String,
        /// Where the view stands now.
        seq: u64,
    },
}

impl Mark {
    /// The epoch that it tells, if it tells one.
    pub fn epoch(&self) -> Option<&str> {
        match self {
            Self::Subscribed { epoch, .. } | Self::Resync { epoch, .. } => Some(epoch),
            Self::Event(_) => None,
        }
    }
}

/// One client's sight of one channel, over all its sockets.
#[derive(Debug, Clone)]
pub struct View {
    /// Who sees.
    pub name: String,
    /// What.
    pub channel: String,
    /// Everything it was told.
    pub marks: Vec<Mark>,
}

/// A comment as REST shows it in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub id: u64,
    /// The idempotency key, where it is shown.
    pub key: Option<String>,
    /// Of its creation.
    pub seq: u64,
    /// The version that its text bears; deleted is above every version.
    pub version: u32,
    /// Who wrote it; nobody once it is deleted.
    pub author: Option<u64>,
    /// How many people chose each emoji.
    pub reactions: BTreeMap<String, u64>,
}

/// A notification as REST shows it in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which.
    pub id: u64,
    /// Why.
    pub kind: String,
    /// Of which comment.
    pub comment: u64,
    /// How many people it tells of.
    pub count: u64,
    /// Whether it is read.
    pub read: bool,
}

/// What one person's inbox holds in the end.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    /// Whose.
    pub owner: u64,
    /// Their channel.
    pub channel: String,
    /// The number told.
    pub unread: i64,
    /// All of it.
    pub rows: Vec<Notice>,
}

/// What a channel holds in the end.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Its epoch.
    pub epoch: String,
    /// Its head.
    pub head: u64,
    /// Its comments; none of a person's own channel.
    pub rows: Vec<Row>,
    /// Its log, from the first event.
    pub log: Vec<Event>,
}

/// A run.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Every write.
    pub ops: Vec<Op>,
    /// Every view.
    pub views: Vec<View>,
    /// Every channel.
    pub truth: BTreeMap<String, Truth>,
    /// Who a client is, by the name that its keys begin with.
    pub people: BTreeMap<String, u64>,
    /// The emoji that a person sees as their own on a comment, by person and comment.
    pub mine: BTreeMap<(u64, u64), BTreeSet<String>>,
    /// The inbox that is looked at.
    pub inbox: Option<Inbox>,
}

impl History {
    /// Takes back acknowledgements between two places of the operations: they were given by a database that another one
    /// has replaced since, and what they tell may be there or not.
    pub fn take_back(&mut self, between: Range<usize>) {
        for op in &mut self.ops[between] {
            if let Op::Ok { key, .. } = op {
                *op = Op::Info { key: std::mem::take(key) };
            }
        }
    }
}

/// A text that bears a version.
pub fn text(key: &str, version: u32) -> String {
    format!("{key} v{version}")
}

/// The version that a comment's text bears.
pub fn version(comment: &Value) -> Option<u32> {
    if comment["deleted"] == true {
        return Some(DELETED);
    }
    comment["body"].as_str()?.rsplit_once(" v")?.1.parse().ok()
}

impl Event {
    /// Reads an event frame, or an item of a log.
    pub fn read(event: &Value) -> Self {
        let data = &event["data"];
        let id = |value: &Value| value.as_u64();
        let subject = match (id(&data["comment"]["id"]).or(id(&data["comment_id"])), id(&data["notification"]["id"])) {
            (Some(comment), _) => Subject::Comment(comment),
            (None, Some(notification)) => Subject::Notification(notification),
            (None, None) => id(&data["id"]).map_or(Subject::None, Subject::Notification),
        };
        let toggle = |toggle: &Value| Toggle {
            user: toggle["user_id"].as_u64().expect("a toggle is somebody's"),
            emoji: toggle["emoji"].as_str().expect("a toggle has an emoji").to_owned(),
            on: toggle["on"].as_bool().expect("a toggle is on or off"),
        };
        Self {
            seq: event["seq"].as_u64().expect("an event has a seq"),
            kind: event["kind"].as_str().expect("an event has a kind").to_owned(),
            subject,
            version: version(&data["comment"]),
            count: data["comment_count"].as_i64(),
            by: data["by"].as_array().into_iter().flatten().map(toggle).collect(),
            unread: data["unread"].as_i64(),
        }
    }
}

impl Row {
    /// Reads a comment.
    pub fn read(comment: &Value) -> Self {
        Self {
            id: comment["id"].as_u64().expect("a comment has an id"),
            key: comment["key"].as_str().map(str::to_owned),
            seq: comment["seq"].as_u64().expect("a comment has a seq"),
            version: version(comment).unwrap_or_else(|| panic!("a text without a version: {comment}")),
            author: comment["author"]["id"].as_u64(),
            reactions: counts(&comment["reactions"]),
        }
    }
}

fn counts(reactions: &Value) -> BTreeMap<String, u64> {
    let each = reactions.as_object().expect("reactions are a map").iter();
    each.map(|(emoji, count)| (emoji.clone(), count.as_u64().expect("a count is a number"))).collect()
}

impl Notice {
    /// Reads a notification.
    pub fn read(notice: &Value) -> Self {
        Self {
            id: notice["id"].as_u64().expect("a notification has an id"),
            kind: notice["kind"].as_str().expect("a notification has a kind").to_owned(),
            comment: notice["comment_id"].as_u64().expect("it is about a comment"),
            count: notice["count"].as_u64().expect("a notification counts"),
            read: !notice["read_at"].is_null(),
        }
    }
}
