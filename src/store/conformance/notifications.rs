//! What people are told, how they read it, and what is taken back.

use super::support::*;
use crate::model::notification::Which;
use crate::model::{Channel, Comment, Notification, NotificationId, UserId};
use crate::store::Rejection;
use crate::store::read::Inbox;
use crate::store::write::*;
use serde_json::json;
use std::time::Duration;

impl Process {
    pub(crate) async fn inbox(&self, user: UserId) -> Inbox {
        self.store.read().inbox(user, false, None, 1_000).await.unwrap().unwrap()
    }

    /// Writes a comment that mentions these handles.
    pub(crate) async fn mentioning(&self, below: &CreateComment, handles: &[&str]) -> Comment {
        let mentions = handles.iter().map(|handle| (*handle).to_owned()).collect();
        self.done(CreateComment { mentions, ..below.clone() }).await.value
    }

    async fn mark(&self, user_id: UserId, which: Which) -> Unread {
        self.done(MarkRead { user_id, which }).await
    }
}

fn kinds_of(items: &[Notification]) -> Vec<&str> {
    items.iter().map(|item| item.kind.as_str()).collect()
}

fn ids_of(items: &[Notification]) -> Vec<NotificationId> {
    items.iter().map(|item| item.id).collect()
}

pub async fn a_comment_tells_those_it_concerns_once_each_and_never_its_author(db: &Database) {
    let p = db.process().await;
    let [ada, bob, eve, dan] =
        [p.person("ada").await, p.person("bob").await, p.person("eve").await, p.person("dan").await];
    let [ada, bob, eve, dan] = [ada, bob, eve, dan].map(|account| account.user);
    let post = p.post(ada.id).await;
    let by = |author: UserId| create_comment(post.id, author, "x");
    p.mentioning(&by(ada.id), &["ada", "nobody"]).await;
    assert_eq!(p.inbox(ada.id).await, Inbox { items: vec![], unread: 0, seq: 0 });

    // On Ada's post; then in answer to Bob, whose comment it is; then Bob and Ada are named, each told of that alone.
    let first = p.mentioning(&by(bob.id), &[]).await;
    let reply = CreateComment { parent_id: Some(first.id), ..by(eve.id) };
    p.mentioning(&reply, &[]).await;
    let named = p.mentioning(&reply, &["bob", "ada", "dan", "eve", "nobody"]).await;
    let [a, b, d] = [p.inbox(ada.id).await, p.inbox(bob.id).await, p.inbox(dan.id).await];
    assert_eq!(kinds_of(&a.items), ["mention", "comment", "comment"]);
    assert_eq!(kinds_of(&b.items), ["mention", "reply"]);
    assert_eq!(kinds_of(&d.items), ["mention"]);
    assert_eq!([&a, &b, &d].map(|inbox| (inbox.unread, inbox.seq)), [(3, 3), (2, 2), (1, 1)]);
    assert_eq!(p.inbox(eve.id).await.items, []);
    let url = Some(format!("/posts/{}#comment-{}", post.id, named.id));
    let expected = Notification {
        id: d.items[0].id,
        kind: "mention".into(),
        title: "A title".into(),
        body: Some("x".into()),
        url,
        post_id: Some(post.id),
        comment_id: Some(named.id),
        actors: vec![eve.clone()],
        count: 1,
        created_at: p.store_now(),
        updated_at: p.store_now(),
        read_at: None,
        seq: 1,
    };
    assert_eq!(d.items, [expected]);

    let own = Channel::User(bob.id);
    let log = p.log(own).await;
    assert_eq!(kinds(&log), ["notification.created"; 2]);
    assert_eq!(data(&log[1]), json!({ "notification": b.items[0], "unread": 2 }));
    assert_eq!(log.iter().map(|event| event.unread).collect::<Vec<_>>(), [Some(1), Some(2)]);
    let live: Vec<_> = p.told.events().into_iter().filter(|event| event.channel == own).collect();
    assert_eq!(live.iter().map(told).collect::<Vec<_>>(), log.iter().map(told).collect::<Vec<_>>());
    assert_eq!(
        live.iter().map(|event| (event.subject, event.unread)).collect::<Vec<_>>(),
        [(log[0].subject, Some(1)), (log[1].subject, Some(2))]
    );
}

pub async fn a_comment_that_is_repeated_with_its_key_tells_nobody_again(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    let once = CreateComment { key: key(bob, "comment", "k", 1), ..create_comment(post.id, bob, "x") };
    let results = p.group(vec![once.clone().into(), once.clone().into()]).await;
    assert!(results.iter().all(Result::is_ok));
    p.done(once).await;
    assert_eq!(p.head(Channel::User(ada)).await.unread, 1);
    assert_eq!(p.inbox(ada).await.items.len(), 1);
}

pub async fn an_edit_tells_whom_it_mentions_and_nobody_has_told(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let post = p.post(ada).await;
    let comment = p.mentioning(&create_comment(post.id, eve, "one"), &["bob"]).await;
    let edit_to = |body: &str, handles: &[&str]| EditComment {
        mentions: handles.iter().map(|handle| (*handle).to_owned()).collect(),
        ..edit(comment.id, author(eve), body)
    };
    // Bob puts it away: that he was told of it stays true.
    let told = p.inbox(bob).await.items[0].id;
    p.done(Dismiss { user_id: bob, id: told }).await;
    let dan = p.user("dan").await;
    p.done(edit_to("two", &["bob", "ada", "dan", "eve", "nobody"])).await;
    assert_eq!(p.inbox(bob).await.items, []);
    assert_eq!(kinds_of(&p.inbox(ada).await.items), ["comment"], "told once, of what came first");
    let inbox = p.inbox(dan).await;
    assert_eq!((kinds_of(&inbox.items), inbox.unread), (vec!["mention"], 1));
    assert_eq!((inbox.items[0].body.as_deref(), inbox.items[0].comment_id), (Some("two"), Some(comment.id)));
    // Out and in again is no news; the same text is none either.
    p.done(edit_to("three", &[])).await;
    p.done(edit_to("four", &["dan"])).await;
    p.done(edit_to("four", &["dan"])).await;
    assert_eq!(p.head(Channel::User(dan)).await.seq, 1);
    assert_eq!(p.log(Channel::User(dan)).await[0].kind.as_ref(), "notification.created");
}

pub async fn a_comment_tells_so_many_people_in_all_its_edits_and_no_more(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let people: Vec<String> = (0..102).map(|n| format!("p{n}")).collect();
    let named = people.iter().map(|handle| (handle.clone(), handle.clone())).collect();
    let accounts = p.done(EnsurePeople { people: named }).await;
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "one").await;
    for (round, twenty) in people.chunks(20).enumerate() {
        let change = edit(comment.id, author(ada), &round.to_string());
        p.done(EditComment { mentions: twenty.to_vec(), ..change }).await;
    }
    let channels: Vec<Channel> = accounts.iter().map(|account| Channel::User(account.user.id)).collect();
    let told = |heads: std::collections::HashMap<Channel, crate::store::read::Head>| {
        heads.values().filter(|head| head.unread == 1).count()
    };
    assert_eq!(told(p.store.read().heads(&channels).await.unwrap()), 100);
    p.done(DeleteComment { comment_id: comment.id, actor: author(ada) }).await;
    assert_eq!(told(p.store.read().heads(&channels).await.unwrap()), 0);
}

pub async fn deleting_a_comment_takes_back_what_it_told(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let post = p.post(ada).await;
    let kept = p.comment(post.id, eve, "kept").await;
    let gone = p.mentioning(&create_comment(post.id, eve, "secret"), &["bob"]).await;
    let bobs = p.inbox(bob).await.items[0].id;
    p.mark(bob, Which::These(vec![bobs])).await;
    p.done(DeleteComment { comment_id: gone.id, actor: author(eve) }).await;
    p.done(DeleteComment { comment_id: gone.id, actor: author(eve) }).await;

    let inbox = p.inbox(ada).await;
    assert_eq!((inbox.items.len(), inbox.items[0].comment_id, inbox.unread, inbox.seq), (1, Some(kept.id), 1, 3));
    let log = p.log(Channel::User(ada)).await;
    assert_eq!(kinds(&log), ["notification.created", "void", "notification.deleted"]);
    assert_eq!(data(&log[2])["unread"], 1);
    assert_eq!(
        log[2].subject,
        Some(crate::model::Subject::Notification(NotificationId(data(&log[2])["id"].as_i64().unwrap())))
    );
    assert_eq!(log.iter().map(|event| event.unread).collect::<Vec<_>>(), [1, 2, 1].map(Some));
    let log = p.log(Channel::User(bob)).await;
    assert_eq!(kinds(&log), ["void", "notifications.read", "notification.deleted"]);
    assert_eq!(data(&log[1]), json!({ "ids": [bobs], "unread": 0 }));
    assert_eq!(data(&log[2]), json!({ "id": bobs, "unread": 0 }));
    assert!(log.iter().all(|event| !event.data.get().contains("secret")));
}

pub async fn an_inbox_is_read_by_its_latest_changes_in_pages(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    for n in 0..5 {
        p.comment(post.id, bob, &n.to_string()).await;
    }
    let all = p.inbox(ada).await;
    assert_eq!(all.items.iter().map(|item| item.seq).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    p.mark(ada, Which::These(vec![all.items[1].id, all.items[3].id])).await;
    for (unread, expected) in [(false, vec![5, 4, 3, 2, 1]), (true, vec![5, 3, 1])] {
        let (mut seqs, mut before) = (Vec::new(), None);
        loop {
            let page = p.store.read().inbox(ada, unread, before, 2).await.unwrap().unwrap();
            assert_eq!((page.unread, page.seq), (3, 6));
            before = page.items.last().map(|item| item.seq);
            seqs.extend(page.items.iter().map(|item| item.seq));
            if page.items.len() < 2 {
                break;
            }
        }
        assert_eq!(seqs, expected, "{unread}");
    }
    assert_eq!(p.store.read().inbox(ada, false, None, 0).await.unwrap().unwrap().items, []);
    assert_eq!(p.store.read().inbox(UserId(999_999), false, None, 10).await.unwrap(), None);
}

pub async fn what_is_read_is_counted_once_and_only_ones_own(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    for n in 0..3 {
        p.mentioning(&create_comment(post.id, ada, &n.to_string()), &["bob"]).await;
    }
    p.comment(post.id, bob, "to ada").await;
    let (bobs, adas) = (ids_of(&p.inbox(bob).await.items), ids_of(&p.inbox(ada).await.items));
    let others = Which::These(vec![adas[0], NotificationId(999_999)]);
    assert_eq!(p.mark(bob, others).await, Unread { unread: 3, seq: 3 });
    let some = || Which::These(vec![bobs[2], bobs[0], adas[0], bobs[0]]);
    assert_eq!(p.mark(bob, some()).await, Unread { unread: 1, seq: 4 });
    assert_eq!(p.mark(bob, some()).await, Unread { unread: 1, seq: 4 }, "nothing new, nothing told");
    let inbox = p.inbox(bob).await;
    assert_eq!(
        inbox.items.iter().map(|item| item.read_at).collect::<Vec<_>>(),
        [Some(p.store_now()), None, Some(p.store_now())]
    );
    assert_eq!(p.inbox(ada).await.unread, 1);
    let log = p.log(Channel::User(bob)).await;
    let mut read = [bobs[0], bobs[2]];
    read.sort_unstable();
    assert_eq!(data(&log[3]), json!({ "ids": read, "unread": 1 }));
    assert_eq!(told(p.told.events().last().unwrap()), told(&log[3]));
    let nobody = MarkRead { user_id: UserId(999_999), which: Which::All };
    assert_eq!(p.refused(nobody).await, Rejection::NotFound("user"));
}

pub async fn reading_all_is_reading_what_came_before_it(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    assert_eq!(p.mark(ada, Which::All).await, Unread { unread: 0, seq: 0 }, "nothing to read, nothing told");
    p.comment(post.id, bob, "1").await;
    p.comment(post.id, bob, "2").await;
    assert_eq!(p.mark(ada, Which::All).await, Unread { unread: 0, seq: 3 });
    assert_eq!(p.mark(ada, Which::All).await, Unread { unread: 0, seq: 3 });
    let read_at = p.store_now();
    db.clock.advance(Duration::from_millis(5));
    let later = p.comment(post.id, bob, "3").await;
    let inbox = p.inbox(ada).await;
    assert_eq!((inbox.unread, inbox.seq), (1, 4));
    assert_eq!(inbox.items.iter().map(|item| item.read_at).collect::<Vec<_>>(), [None, Some(read_at), Some(read_at)]);
    let unread = p.store.read().inbox(ada, true, None, 10).await.unwrap().unwrap();
    assert_eq!(unread.items.iter().map(|item| item.comment_id).collect::<Vec<_>>(), [Some(later.id)]);
    let log = p.log(Channel::User(ada)).await;
    assert_eq!((log[2].kind.as_ref(), data(&log[2])), ("notifications.read", json!({ "all": true, "unread": 0 })));
    // What was read with all others is neither read nor counted again.
    let ids = ids_of(&inbox.items);
    assert_eq!(p.mark(ada, Which::These(ids)).await, Unread { unread: 0, seq: 5 });
    assert_eq!(data(&p.log(Channel::User(ada)).await[4])["ids"], json!([inbox.items[0].id]));
    p.done(Dismiss { user_id: ada, id: inbox.items[2].id }).await;
    assert_eq!(p.head(Channel::User(ada)).await.unread, 0);
}

pub async fn a_notification_is_dismissed_by_its_person_and_again_without_a_word(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    p.comment(post.id, bob, "1").await;
    p.comment(post.id, bob, "2").await;
    let [second, first] = ids_of(&p.inbox(ada).await.items).try_into().unwrap();
    let by = |user_id, id| Dismiss { user_id, id };
    for stranger in [by(bob, first), by(ada, NotificationId(999_999))] {
        assert_eq!(p.refused(stranger).await, Rejection::NotFound("notification"));
    }
    p.done(by(ada, first)).await;
    p.done(by(ada, first)).await;
    assert_eq!(p.refused(by(bob, first)).await, Rejection::NotFound("notification"));
    let inbox = p.inbox(ada).await;
    assert_eq!((ids_of(&inbox.items), inbox.unread, inbox.seq), (vec![second], 1, 3));
    let twice = p.group(vec![by(ada, second).into(), by(ada, second).into()]).await;
    assert!(twice.iter().all(Result::is_ok), "{twice:?}");
    let log = p.log(Channel::User(ada)).await;
    assert_eq!(kinds(&log), ["void", "void", "notification.deleted", "notification.deleted"]);
    assert_eq!(data(&log[3]), json!({ "id": second, "unread": 0 }));
    assert_eq!(p.refused(by(UserId(999_999), first)).await, Rejection::NotFound("user"));
}

pub async fn a_notification_tells_post_and_comment_as_they_are_and_not_at_all_once_the_post_is_gone(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    let comment = p.comment(post.id, bob, "one").await;
    p.done(edit(comment.id, author(bob), "two")).await;
    let change =
        UpdatePost { post_id: post.id, actor: author(ada), title: Some("Another".into()), body: None, tags: None };
    p.done(change).await;
    let item = p.inbox(ada).await.items.remove(0);
    assert_eq!((item.title.as_str(), item.body.as_deref()), ("Another", Some("two")));
    let log = p.log(Channel::User(ada)).await;
    assert_eq!(data(&log[0])["notification"], json!(item));

    p.done(DeletePost { post_id: post.id, actor: author(ada) }).await;
    let left = p.inbox(ada).await.items.remove(0);
    assert_eq!((left.title.as_str(), left.body, left.url, left.actors), ("", None, None, vec![]));
    assert_eq!((left.kind.as_str(), left.id, left.seq), ("comment", item.id, 1));
    let log = p.log(Channel::User(ada)).await;
    assert_eq!((kinds(&log), log[0].unread), (vec!["void"], Some(1)));
}
