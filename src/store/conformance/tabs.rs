//! Whatever happens in whatever order: what a tab holds as unread at its seq is what was unread then.

use super::support::*;
use crate::model::notification::Which;
use crate::model::{Channel, CommentId, Event, NotificationId, PostId, UserId};
use crate::store::write::*;
use crate::store::{CommitSink, StoreError};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

const PEOPLE: [&str; 4] = ["ada", "bob", "eve", "dan"];
const STEPS: usize = 150;

/// What a tab knows: the last event it has seen, and the number it shows.
#[derive(Debug, Clone, Copy)]
struct Tab {
    user: usize,
    seq: i64,
    shows: i64,
}

struct World {
    processes: [Process; 2],
    handles: [String; 4],
    people: Vec<UserId>,
    posts: Vec<(PostId, UserId)>,
    comments: Vec<(CommentId, UserId)>,
    chance: StdRng,
}

impl World {
    fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.chance.random_range(0..of.len())])
    }

    fn person(&mut self) -> UserId {
        let people = self.people.clone();
        self.pick(&people).unwrap()
    }

    fn handles(&mut self) -> Vec<String> {
        let chance = &mut self.chance;
        self.handles.iter().filter(|_| chance.random_bool(0.2)).cloned().collect()
    }

    async fn some(&mut self, user: UserId) -> Vec<NotificationId> {
        let items = self.processes[0].inbox(user).await.items;
        items.iter().filter(|_| self.chance.random_bool(0.3)).map(|item| item.id).collect()
    }

    /// One thing that somebody does; what the rows say no to is passed over.
    async fn step(&mut self) -> Option<Write> {
        let who = self.person();
        Some(match self.chance.random_range(0..20) {
            0..=5 => {
                let posts = self.posts.clone();
                let (post_id, _) = self.pick(&posts)?;
                let comments = self.comments.clone();
                let parent_id =
                    if self.chance.random_bool(0.5) { self.pick(&comments).map(|(id, _)| id) } else { None };
                CreateComment { parent_id, mentions: self.handles(), ..create_comment(post_id, who, "x") }.into()
            }
            6 => {
                let comments = self.comments.clone();
                let (id, by) = self.pick(&comments)?;
                let text = self.chance.random::<u32>().to_string();
                EditComment { mentions: self.handles(), ..edit(id, author(by), &text) }.into()
            }
            7 => {
                let comments = self.comments.clone();
                let (comment_id, by) = self.pick(&comments)?;
                DeleteComment { comment_id, actor: author(by) }.into()
            }
            8..=12 => {
                let comments = self.comments.clone();
                let (comment_id, _) = self.pick(&comments)?;
                let emoji = if self.chance.random_bool(0.5) { "👍" } else { "🎉" }.to_owned();
                React { comment_id, actor: who, emoji, on: self.chance.random_bool(0.6), at_most: 20 }.into()
            }
            13..=14 => {
                let group = self.chance.random_bool(0.7).then(|| "g".to_owned());
                let (kind, title) = ("order".to_owned(), "t".to_owned());
                Notify { to: vec![who], unknown: 0, kind, title, body: None, url: None, group, key: None }.into()
            }
            15 => MarkRead { user_id: who, which: Which::All }.into(),
            16..=17 => MarkRead { user_id: who, which: Which::These(self.some(who).await) }.into(),
            18 => {
                let some = self.some(who).await;
                Dismiss { user_id: who, id: self.pick(&some)? }.into()
            }
            _ if self.chance.random_bool(0.2) && self.posts.len() > 1 => {
                let at = self.chance.random_range(0..self.posts.len());
                let (post_id, by) = self.posts.swap_remove(at);
                DeletePost { post_id, actor: author(by) }.into()
            }
            _ => Publish { channel: Channel::User(who), ..publish(Channel::User(who), "1") }.into(),
        })
    }

    /// Does some things as one group, by one process or the other; what is left of deleted posts goes in between.
    async fn act(&mut self) {
        let mut group = Vec::new();
        for _ in 0..self.chance.random_range(1..4) {
            group.extend(self.step().await);
        }
        let process = self.processes[usize::from(self.chance.random_bool(0.5))].clone();
        for post_id in process.store.read().takebacks(10).await.unwrap() {
            group.push(TakeBack { post_id }.into());
        }
        for result in process.group(group).await {
            match result {
                Ok(committed) => {
                    if let Outcome::CreateComment(made) = &committed.outcome {
                        let by = made.value.author.as_ref().unwrap().id;
                        self.comments.push((made.value.id, by));
                    }
                    process.told.committed(committed.events);
                }
                Err(StoreError::Rejected(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// What was told of a person's channel as it happened, by either process.
    fn live(&self, user: UserId) -> Vec<Event> {
        let all = self.processes.iter().flat_map(|process| process.told.events());
        let mut own: Vec<Event> = all.filter(|event| event.channel == Channel::User(user)).collect();
        own.sort_by_key(|event| event.seq);
        own
    }

    /// A tab hears on, or comes back, or fetches anew.
    async fn look(&mut self, tab: &mut Tab) {
        let user = self.people[tab.user];
        let process = self.processes[usize::from(self.chance.random_bool(0.5))].clone();
        match self.chance.random_range(0..3) {
            0 => {
                let upto = self.chance.random_range(0..4);
                let since = tab.seq;
                for event in self.live(user).iter().filter(|event| event.seq > since).take(upto) {
                    assert_eq!(event.seq, tab.seq + 1, "no hole");
                    tab.seq = event.seq;
                    if let Some(unread) = data(event)["unread"].as_i64() {
                        assert_eq!(event.unread, Some(unread), "{event:?}");
                        tab.shows = unread;
                    }
                }
            }
            1 => {
                let missed = process.log(Channel::User(user)).await;
                let missed: Vec<&Event> = missed.iter().filter(|event| event.seq > tab.seq).collect();
                let upto = self.chance.random_range(0..=missed.len());
                if let Some(last) = missed[..upto].last() {
                    (tab.seq, tab.shows) = (last.seq, last.unread.unwrap());
                }
            }
            _ => {
                let inbox = process.inbox(user).await;
                (tab.seq, tab.shows) = (inbox.seq, inbox.unread);
            }
        }
    }
}

/// How many were unread after each event, by what the events say of each notification.
fn counts(events: &[Event]) -> BTreeMap<i64, i64> {
    let mut unread: BTreeSet<i64> = BTreeSet::new();
    let mut counts = BTreeMap::from([(0, 0)]);
    for event in events {
        let said = data(event);
        match &*event.kind {
            "notification.created" | "notification.updated" => {
                let id = said["notification"]["id"].as_i64().unwrap();
                if said["notification"]["read_at"].is_null() {
                    unread.insert(id)
                } else {
                    unread.remove(&id)
                };
            }
            "notification.deleted" => {
                unread.remove(&said["id"].as_i64().unwrap());
            }
            "notifications.read" if said["all"] == true => unread.clear(),
            "notifications.read" => {
                for id in said["ids"].as_array().unwrap() {
                    assert!(unread.remove(&id.as_i64().unwrap()), "{event:?}");
                }
            }
            _ => {}
        }
        assert_eq!(event.unread, Some(unread.len() as i64), "{event:?}");
        counts.insert(event.seq, unread.len() as i64);
    }
    counts
}

pub async fn what_every_tab_shows_is_what_was_unread_at_its_seq(db: &Database) {
    for seed in 0..4 {
        let processes = [db.process().await, db.process().await];
        let p = processes[0].clone();
        let handles = PEOPLE.map(|name| format!("{name}{seed}"));
        let mut people = Vec::new();
        for handle in &handles {
            people.push(p.user(handle).await);
        }
        let mut posts = Vec::new();
        for by in &people[..3] {
            posts.push((p.post(*by).await.id, *by));
        }
        let mut tabs: Vec<Tab> = (0..people.len()).flat_map(|user| [Tab { user, seq: 0, shows: 0 }; 2]).collect();
        let chance = StdRng::seed_from_u64(seed);
        let mut world = World { processes, handles, people, posts, comments: Vec::new(), chance };
        let mut held = Vec::new();
        for _ in 0..STEPS {
            world.act().await;
            for tab in &mut tabs {
                if world.chance.random_bool(0.2) {
                    world.look(tab).await;
                    held.push(*tab);
                }
            }
        }
        while !p.store.read().takebacks(1).await.unwrap().is_empty() {
            world.act().await;
        }
        for (user, id) in world.people.clone().into_iter().enumerate() {
            let counts = counts(&world.live(id));
            let inbox = p.inbox(id).await;
            assert_eq!(counts.keys().copied().collect::<Vec<_>>(), (0..=inbox.seq).collect::<Vec<_>>(), "seed {seed}");
            let unread = inbox.items.iter().filter(|item| item.read_at.is_none()).count() as i64;
            assert_eq!((inbox.unread, counts[&inbox.seq]), (unread, unread), "seed {seed}");
            for tab in held.iter().filter(|tab| tab.user == user) {
                assert_eq!(counts[&tab.seq], tab.shows, "seed {seed}: {tab:?}");
            }
        }
    }
}
