//! Groups, order, and what a caller may rely on.

use super::support::*;
use crate::model::{Channel, CommentId, Event, PostId, UserId};
use crate::store::write::*;
use crate::store::{CommitSink, Rejection, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::sync::Arc;
use std::task::{Context, Wake};
use std::time::Duration;

pub async fn a_refused_write_leaves_nothing_and_spoils_no_neighbour(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let first = p.comment(post.id, ada, "before").await;
    let missing = CommentId(999_999);
    let results = p
        .group(vec![
            create_comment(post.id, ada, "one").into(),
            CreateComment { parent_id: Some(missing), ..create_comment(post.id, ada, "no parent") }.into(),
            create_comment(post.id, UserId(999_999), "no author").into(),
            publish(Channel::Post(PostId(999_999)), "1").into(),
            CreateComment { parent_id: Some(first.id), ..create_comment(post.id, ada, "two") }.into(),
            edit(missing, author(ada), "nothing").into(),
            CreateApiKey { name: "k".into(), hash: [1; 32], scopes: vec![] }.into(),
            CreateApiKey { name: "the same again".into(), hash: [1; 32], scopes: vec![] }.into(),
            publish(room(post.id), "3").into(),
        ])
        .await;
    let done: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, false, false, false, true, false, true, false, true]);
    let refused = results.iter().filter(|result| matches!(result, Err(StoreError::Rejected(_)))).count();
    assert_eq!(refused, 4);

    let log = p.log(room(post.id)).await;
    assert_eq!(seqs(&log), [1, 2, 3, 4]);
    let told_now: Vec<_> = results.iter().flatten().flat_map(|committed| &committed.events).map(told).collect();
    assert_eq!(told_now, log[1..].iter().map(told).collect::<Vec<_>>());
    assert_eq!(p.read_post(post.id).await.comment_count, 3);
    assert_eq!(p.read_comment(first.id).await.reply_count, 1);
}

pub async fn seqs_have_no_holes_and_follow_the_commits_of_all_processes(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let writers = (0..8).map(|writer| {
        let process = if writer % 2 == 0 { p.clone() } else { q.clone() };
        let post = post.id;
        tokio::spawn(async move {
            let mut mine = Vec::new();
            for n in 0..20 {
                mine.push(process.done(publish(room(post), &format!("[{writer},{n}]"))).await.value);
            }
            mine
        })
    });
    let mut all = Vec::new();
    for mine in join_all(writers).await {
        let mine = mine.unwrap();
        assert!(mine.is_sorted(), "one writer's own order: {mine:?}");
        all.extend(mine);
    }
    all.sort_unstable();
    assert_eq!(all, (1..=160).collect::<Vec<i64>>());
    assert_eq!(seqs(&p.log(room(post.id)).await), all);
    assert_eq!(p.head(room(post.id)).await.seq, 160);
    let (of_p, of_q) = (p.told.seqs(room(post.id)), q.told.seqs(room(post.id)));
    assert!(of_p.is_sorted() && of_q.is_sorted() && of_p.len() == 80 && of_q.len() == 80);
}

/// Notes what happens first: the sink is told, or the caller woken.
#[derive(Default)]
struct Order(Mutex<Vec<&'static str>>);

impl CommitSink for Order {
    fn committed(&self, events: Vec<Event>) {
        self.0.lock().extend(events.iter().map(|_| "told"));
    }
}

impl Wake for Order {
    fn wake(self: Arc<Self>) {
        self.0.lock().push("answered");
    }
}

pub async fn the_sink_hears_of_a_write_before_its_caller(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let order = Arc::new(Order::default());
    let store = Store::start(p.backend.clone(), db.clock.clone(), order.clone(), Duration::ZERO);
    let mut write = store.write(publish(room(post.id), "1")).boxed();
    let waker = order.clone().into();
    assert!(write.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    store.write(publish(room(post.id), "2")).await.unwrap();
    let order = order.0.lock().clone();
    assert!(order == ["told", "told", "answered"] || order == ["told", "answered", "told"], "{order:?}");
    assert_eq!(write.await.unwrap().value, 1);
}

pub async fn what_waits_goes_together_and_is_told_in_order(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let writes = (0..50).map(|n| {
        let (p, room) = (p.clone(), room(post.id));
        async move { p.done(publish(room, &n.to_string())).await }
    });
    join_all(writes).await;
    let groups = p.store.groups();
    assert!(groups.groups < groups.members / 2, "{groups:?}");
    let live = p.told.events();
    assert_eq!(seqs(&live), (1..=50).collect::<Vec<i64>>());
    let log = p.log(room(post.id)).await;
    assert_eq!(live.iter().map(told).collect::<Vec<_>>(), log.iter().map(told).collect::<Vec<_>>());
}

pub async fn a_caller_that_goes_away_undoes_nothing(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let asked = p.write(publish(room(post.id), "\"gone\"")).now_or_never();
    assert!(asked.is_none(), "the caller left before the answer");
    assert_eq!(p.done(publish(room(post.id), "\"stayed\"")).await.value, 2);
    assert_eq!(seqs(&p.log(room(post.id)).await), [1, 2]);
}

pub async fn what_waits_is_finished_when_the_store_closes(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let waiting = (0..300).map(|n| {
        let (p, post) = (p.clone(), post.id);
        tokio::spawn(async move { p.write(publish(room(post), &n.to_string())).await })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::task::yield_now().await;
    p.store.close().await;
    let answers = join_all(waiting).await;
    let done = answers.iter().filter(|answer| matches!(answer, Ok(Ok(_)))).count();
    let closed = answers.iter().filter(|answer| matches!(answer, Ok(Err(StoreError::Unavailable(_))))).count();
    assert_eq!((done > 0, done + closed), (true, 300));
    assert!(matches!(p.write(publish(room(post.id), "1")).await, Err(StoreError::Unavailable(_))));
    let after = db.process().await;
    assert_eq!(after.log(room(post.id)).await.len(), done);
}

pub async fn a_held_room_stalls_no_other_and_keeps_its_order(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (held, free) = (p.post(ada).await, p.post(ada).await);
    let comment = p.comment(held.id, ada, "before").await;
    // Where only the whole database can be held, the order is what is left to see.
    let hold = db.hold(room(held.id)).await;

    let waiting = tokio::spawn({
        let (p, post) = (p.clone(), held.id);
        async move {
            tokio::join!(
                p.done(create_comment(post, ada, "first")),
                p.done(edit(comment.id, author(ada), "second")),
                p.done(publish(room(post), "\"third\"")),
            )
        }
    });
    for n in 1..=10 {
        assert_eq!(p.done(publish(room(free.id), "1")).await.value, n);
    }
    if let Some(hold) = hold {
        assert!(!waiting.is_finished());
        assert_eq!(p.head(room(held.id)).await.seq, 1);
        hold.let_go().await;
    }
    waiting.await.unwrap();
    let log = p.log(room(held.id)).await;
    assert_eq!(kinds(&log), ["comment.created", "comment.created", "comment.updated", "custom.thing"]);
    assert_eq!(p.told.seqs(room(held.id)), [1, 2, 3, 4]);
    assert_eq!(p.done(publish(room(held.id), "1")).await.value, 5);
}

pub async fn publishing_reaches_posts_and_people_that_are_there_and_nothing_else(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    // As it came: spaces, order, numbers no double can hold, escapes.
    let text = r#"{ "b":1.50, "a":12345678901234567890123, "u":"\u00e9\u0000" }"#;
    for channel in [room(post.id), Channel::User(ada)] {
        assert_eq!(p.done(publish(channel, text)).await, Applied { value: 1, replayed: false });
        let log = p.log(channel).await;
        assert_eq!((kinds(&log), log[0].data.get()), (vec!["custom.thing"], text));
    }
    let nowhere = [Channel::Revocations, Channel::User(UserId(999_999)), room(PostId(999_999))];
    for channel in nowhere {
        assert_eq!(p.refused(publish(channel, text)).await, Rejection::NotFound("channel"));
    }
    p.done(DeletePost { post_id: post.id, actor: author(ada) }).await;
    assert_eq!(p.refused(publish(room(post.id), text)).await, Rejection::NotFound("channel"));
    assert_eq!(p.told.seqs(Channel::Revocations), [0; 0]);
}
