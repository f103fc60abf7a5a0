//! Reactions: toggled, counted and told.

use super::support::*;
use crate::model::{Channel, Comment, CommentId, Event, Post, Subject, UserId};
use crate::store::backend::GroupResult;
use crate::store::write::*;
use crate::store::{Rejection, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn react(comment_id: CommentId, actor: UserId, emoji: &str, on: bool) -> React {
    React { comment_id, actor, emoji: emoji.into(), on, at_most: 20 }
}

fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    of.iter().map(|(emoji, count)| ((*emoji).to_owned(), *count)).collect()
}

async fn room_with_comment(p: &Process) -> (UserId, Post, Comment) {
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "hello").await;
    (ada, post, comment)
}

async fn people(p: &Process, number: usize) -> Vec<UserId> {
    let people = (0..number).map(|n| (format!("p{n}"), format!("P {n}"))).collect();
    p.done(EnsurePeople { people }).await.into_iter().map(|account| account.user.id).collect()
}

fn answers(results: &GroupResult) -> Vec<Reactions> {
    let outcome = |result: &Result<crate::store::Committed, StoreError>| match &result.as_ref().unwrap().outcome {
        Outcome::React(reactions) => reactions.clone(),
        other => panic!("{other:?}"),
    };
    results.iter().map(outcome).collect()
}

/// The events of rooms, without what people are told on their own channels.
fn events(results: &GroupResult) -> Vec<Event> {
    let all = results.iter().flatten().flat_map(|committed| committed.events.clone());
    all.filter(|event| matches!(event.channel, Channel::Post(_))).collect()
}

pub async fn a_reaction_is_answered_told_and_read_alike(db: &Database) {
    let p = db.process().await;
    let (ada, post, comment) = room_with_comment(&p).await;
    let bob = p.user("bob").await;
    let first = p.done(react(comment.id, ada, "👍", true)).await;
    assert_eq!(first, Reactions { reactions: counts(&[("👍", 1)]), my_reactions: vec!["👍".into()], seq: 2 });
    p.done(react(comment.id, bob, "👍", true)).await;
    let third = p.done(react(comment.id, bob, "🎉", true)).await;
    let all = counts(&[("👍", 2), ("🎉", 1)]);
    assert_eq!(third, Reactions { reactions: all.clone(), my_reactions: vec!["🎉".into(), "👍".into()], seq: 4 });
    let row = p.read_comment(comment.id).await;
    assert_eq!((&row.reactions, row.updated_seq, row.edited_at), (&all, 4, None));
    let page =
        p.store.read().comments(post.id, crate::store::read::Below::Roots, crate::model::page::Sort::Oldest, None, 9);
    assert_eq!(page.await.unwrap().unwrap().value, [row]);

    let read = async |who| p.store.read().chosen(who, &[comment.id, CommentId(999_999)]).await.unwrap();
    assert_eq!(read(ada).await, [(comment.id, vec!["👍".to_owned()])].into());
    assert_eq!(read(bob).await, [(comment.id, vec!["🎉".to_owned(), "👍".to_owned()])].into());
    assert!(read(UserId(999_999)).await.is_empty());
    assert!(p.store.read().chosen(ada, &[]).await.unwrap().is_empty());

    let fourth = p.done(react(comment.id, ada, "👍", false)).await;
    assert_eq!(fourth, Reactions { reactions: counts(&[("👍", 1), ("🎉", 1)]), my_reactions: vec![], seq: 5 });
    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log[1..]), ["comment.reacted"; 4]);
    assert_eq!(log[1].subject, Some(Subject::Comment(comment.id)));
    // The counts as they are now, who did it as it was then.
    let by = |user, emoji, on| json!([{ "user_id": user, "emoji": emoji, "on": on }]);
    let now = json!({ "👍": 1, "🎉": 1 });
    assert_eq!(data(&log[1]), json!({ "comment_id": comment.id, "reactions": now, "by": by(ada, "👍", true) }));
    assert_eq!(data(&log[4]), json!({ "comment_id": comment.id, "reactions": now, "by": by(ada, "👍", false) }));
    let live: Vec<Event> = p.told.events().into_iter().filter(|event| event.channel == room(post.id)).collect();
    assert_eq!(data(&live[1])["reactions"], json!({ "👍": 1 }));
    assert_eq!(told(&live[4]), told(&log[4]));
    let edited = p.done(edit(comment.id, author(ada), "edited")).await;
    assert_eq!(edited.reactions, counts(&[("👍", 1), ("🎉", 1)]));
}

pub async fn what_is_so_already_tells_nobody(db: &Database) {
    let p = db.process().await;
    let (ada, post, comment) = room_with_comment(&p).await;
    let nothing = p.done(react(comment.id, ada, "👍", false)).await;
    assert_eq!(nothing, Reactions { reactions: counts(&[]), my_reactions: vec![], seq: 1 });
    let on = p.done(react(comment.id, ada, "👍", true)).await;
    p.comment(post.id, ada, "another").await;
    assert_eq!(p.done(react(comment.id, ada, "👍", true)).await, on);
    assert_eq!(p.head(room(post.id)).await.seq, 3);
}

pub async fn toggles_that_wait_together_are_one_event_a_comment(db: &Database) {
    let p = db.process().await;
    let (ada, post, first) = room_with_comment(&p).await;
    let second = p.comment(post.id, ada, "second").await;
    let (bob, eve) = (p.user("bob").await, p.user("eve").await);
    p.done(react(first.id, eve, "👎", true)).await;
    let results = p
        .group(vec![
            react(second.id, bob, "👍", true).into(),
            react(first.id, bob, "👍", true).into(),
            react(first.id, eve, "👎", false).into(),
            react(second.id, bob, "🎉", true).into(),
            react(first.id, bob, "❤", true).into(),
            react(first.id, bob, "❤", false).into(),
            react(first.id, ada, "👍", true).into(),
        ])
        .await;
    let told_now = events(&results);
    assert_eq!(
        told_now.iter().map(|e| (e.seq, e.subject.unwrap())).collect::<Vec<_>>(),
        [(4, Subject::Comment(second.id)), (5, Subject::Comment(first.id))]
    );
    let by = |user, emoji, on| json!({ "user_id": user, "emoji": emoji, "on": on });
    let expected = json!({ "comment_id": first.id, "reactions": { "👍": 2 },
                           "by": [by(ada, "👍", true), by(bob, "👍", true), by(eve, "👎", false)] });
    assert_eq!(data(&told_now[1]), expected);
    assert_eq!(data(&told_now[0])["by"], json!([by(bob, "🎉", true), by(bob, "👍", true)]));
    // All of them answer what stands there in the end.
    let answers = answers(&results);
    let both = || vec!["🎉".to_owned(), "👍".to_owned()];
    let on_second = Reactions { reactions: counts(&[("👍", 1), ("🎉", 1)]), my_reactions: both(), seq: 4 };
    assert_eq!((&answers[0], &answers[3]), (&on_second, &on_second));
    assert_eq!((answers[2].my_reactions.len(), answers[4].my_reactions.clone()), (0, vec!["👍".to_owned()]));
    assert!([1, 2, 4, 5, 6].iter().all(|n| answers[*n].reactions == counts(&[("👍", 2)]) && answers[*n].seq == 5));
    assert_eq!(p.read_comment(first.id).await.updated_seq, 5);
    assert_eq!(
        p.log(room(post.id)).await[3..].iter().map(told).collect::<Vec<_>>(),
        told_now.iter().map(told).collect::<Vec<_>>()
    );
}

/// Many react one after the other, each of a group of its own.
pub async fn where_many_react_they_wait_for_one_another_and_are_one_event(db: &Database) {
    // So wide that two are many.
    let p = db.gathering(Duration::from_secs(1)).await;
    let (ada, post, comment) = room_with_comment(&p).await;
    let (other, elsewhere) = (p.post(ada).await.id, p.comment(post.id, ada, "another").await);
    let people = people(&p, 21).await;
    let first = p.done(react(comment.id, people[0], "👍", true)).await;
    assert_eq!((first.reactions, first.seq), (counts(&[("👍", 1)]), 3));
    let mut waiting = Vec::new();
    for who in &people[1..] {
        let mut reacting = p.write(react(comment.id, *who, "👍", true)).boxed();
        assert!((&mut reacting).now_or_never().is_none());
        waiting.push(reacting);
        // Other rooms do not wait meanwhile: the reaction has been taken up once that is answered.
        p.done(publish(room(other), "1")).await;
    }
    let calm = p.done(react(elsewhere.id, ada, "🎉", true)).await;
    assert_eq!(calm.seq, 4);
    for answer in join_all(waiting).await {
        let reacted = answer.unwrap();
        let expected = Reactions { reactions: counts(&[("👍", 21)]), my_reactions: vec!["👍".into()], seq: 5 };
        assert_eq!(reacted, expected);
    }
    assert_eq!(p.head(room(post.id)).await.seq, 5);
    let last = data(p.log(room(post.id)).await.last().unwrap());
    assert_eq!(last["by"].as_array().unwrap().len(), 20);
    let mut late = p.write(react(comment.id, ada, "👍", true)).boxed();
    assert!((&mut late).now_or_never().is_none());
    p.store.close().await;
    assert_eq!(late.await.unwrap().reactions, counts(&[("👍", 22)]));
}

pub async fn toggles_that_undo_each_other_tell_nobody(db: &Database) {
    let p = db.process().await;
    let (ada, post, comment) = room_with_comment(&p).await;
    p.done(react(comment.id, ada, "🎉", true)).await;
    let toggles = [("👍", true), ("🎉", false), ("👍", false), ("🎉", true)];
    let results = p.group(toggles.map(|(emoji, on)| react(comment.id, ada, emoji, on).into()).into()).await;
    assert!(events(&results).is_empty());
    let as_before = Reactions { reactions: counts(&[("🎉", 1)]), my_reactions: vec!["🎉".into()], seq: 2 };
    assert!(answers(&results).iter().all(|answer| *answer == as_before));
    assert_eq!((p.head(room(post.id)).await.seq, p.read_comment(comment.id).await.updated_seq), (2, 2));
}

pub async fn other_writes_of_the_room_come_between_toggles_and_those_of_other_rooms_do_not(db: &Database) {
    let p = db.process().await;
    let (ada, post, comment) = room_with_comment(&p).await;
    let other = p.post(ada).await;
    let elsewhere = p.comment(other.id, ada, "elsewhere").await;
    let toggle = |emoji: &str| Write::from(react(comment.id, ada, emoji, true));
    let results = p
        .group(vec![
            toggle("1"),
            publish(room(other.id), "1").into(),
            edit(elsewhere.id, author(ada), "edited").into(),
            react(elsewhere.id, ada, "👍", true).into(),
            create_post(ada, "Another").into(),
            toggle("2"),
            publish(room(post.id), "2").into(),
            toggle("3"),
            edit(comment.id, author(ada), "edited").into(),
            toggle("4"),
            create_comment(post.id, ada, "more").into(),
            toggle("5"),
        ])
        .await;
    assert!(results.iter().all(Result::is_ok));
    let log = p.log(room(post.id)).await;
    let expected = ["created", "reacted", "thing", "reacted", "updated", "reacted", "created", "reacted"];
    assert_eq!(kinds(&log).iter().map(|kind| kind.split_once('.').unwrap().1).collect::<Vec<_>>(), expected);
    assert_eq!(data(&log[1])["by"].as_array().unwrap().len(), 2);
    assert_eq!(kinds(&p.log(room(other.id)).await)[1..], ["custom.thing", "comment.updated", "comment.reacted"]);
    let mut live = events(&results);
    live.retain(|event| event.channel == room(post.id));
    live.sort_by_key(|event| event.seq);
    assert_eq!(live.iter().map(|e| e.seq).collect::<Vec<_>>(), (2..=8).collect::<Vec<_>>());
    assert_eq!(p.read_comment(comment.id).await.reactions.len(), 5);
}

pub async fn fifty_toggles_together_are_named_and_one_more_are_not(db: &Database) {
    let p = db.process().await;
    let (_, post, comment) = room_with_comment(&p).await;
    let people = people(&p, 51).await;
    let group = |people: &[UserId], on| people.iter().map(|who| react(comment.id, *who, "👍", on).into()).collect();
    let named = events(&p.group(group(&people[..50], true)).await);
    assert_eq!(data(&named[0])["by"].as_array().map(Vec::len), Some(50));
    p.group(group(&people[..50], false)).await;
    let unnamed = events(&p.group(group(&people, true)).await);
    assert_eq!(data(&unnamed[0]), json!({ "comment_id": comment.id, "reactions": { "👍": 51 } }));
    let log = p.log(room(post.id)).await;
    assert_eq!((log.len(), told(&log[3])), (4, told(&unnamed[0])));
}

pub async fn a_comment_has_so_many_different_emoji_and_no_more(db: &Database) {
    let p = db.process().await;
    let (ada, _, comment) = room_with_comment(&p).await;
    let bob = p.user("bob").await;
    let at_most = |emoji: &str, who| React { at_most: 3, ..react(comment.id, who, emoji, true) };
    let group = vec![
        at_most("1", ada).into(),
        at_most("2", ada).into(),
        at_most("3", ada).into(),
        at_most("4", bob).into(),
        at_most("3", bob).into(),
        react(comment.id, ada, "1", false).into(),
        at_most("4", ada).into(),
    ];
    let results = p.group(group).await;
    let refused: Vec<usize> = (0..7).filter(|n| results[*n].is_err()).collect();
    assert_eq!(refused, [3]);
    let Err(StoreError::Rejected(Rejection::Unprocessable { pointer, .. })) = &results[3] else { panic!() };
    assert_eq!(*pointer, "/emoji");
    assert_eq!(p.read_comment(comment.id).await.reactions, counts(&[("2", 1), ("3", 2), ("4", 1)]));
    assert!(matches!(p.refused(at_most("5", bob)).await, Rejection::Unprocessable { pointer: "/emoji", .. }));
    p.done(at_most("2", bob)).await;
}

pub async fn only_a_comment_that_is_there_is_reacted_to(db: &Database) {
    let p = db.process().await;
    let (ada, post, comment) = room_with_comment(&p).await;
    let stays = p.comment(post.id, ada, "stays").await;
    p.done(DeleteComment { comment_id: comment.id, actor: author(ada) }).await;
    for on in [true, false] {
        assert!(matches!(p.refused(react(comment.id, ada, "👍", on)).await, Rejection::Conflict(_)));
        assert_eq!(p.refused(react(CommentId(999_999), ada, "👍", on)).await, Rejection::NotFound("comment"));
        assert_eq!(p.refused(react(stays.id, UserId(999_999), "👍", on)).await, Rejection::NotFound("user"));
    }
    let mixed = p.group(vec![react(comment.id, ada, "👍", true).into(), react(stays.id, ada, "👍", true).into()]).await;
    assert!(mixed[0].is_err() && mixed[1].as_ref().is_ok_and(|done| done.events.len() == 1));
    p.done(DeletePost { post_id: post.id, actor: author(ada) }).await;
    assert_eq!(p.refused(react(stays.id, ada, "👎", true)).await, Rejection::NotFound("comment"));
}

pub async fn a_deleted_comment_loses_its_reactions_and_its_log_tells_none(db: &Database) {
    let p = db.process().await;
    let (ada, post, comment) = room_with_comment(&p).await;
    p.done(react(comment.id, ada, "👍", true)).await;
    let delete = DeleteComment { comment_id: comment.id, actor: author(ada) };
    let results = p.group(vec![react(comment.id, ada, "🎉", true).into(), delete.into()]).await;
    let Outcome::DeleteComment(tombstone) = &results[1].as_ref().unwrap().outcome else { panic!() };
    assert!(tombstone.deleted && tombstone.reactions.is_empty());
    assert_eq!(p.read_comment(comment.id).await, *tombstone);
    assert!(p.store.read().chosen(ada, &[comment.id]).await.unwrap().is_empty());
    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["comment.created", "void", "void", "comment.deleted"]);
    assert_eq!((data(&log[1]), data(&log[2])), (json!({}), json!({})));
    assert_eq!(data(&log[0])["comment"]["reactions"], json!({}));
}

pub async fn toggles_of_many_on_two_processes_are_counted_exactly(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let (ada, post, comment) = room_with_comment(&p).await;
    let other = p.comment(post.id, ada, "other").await;
    let people = people(&p, 12).await;
    let toggling = people.iter().enumerate().map(|(n, who)| {
        let (process, who) = (if n % 2 == 0 { p.clone() } else { q.clone() }, *who);
        tokio::spawn(async move {
            for round in 0..8 {
                let emoji = ["👍", "🎉", "👎"][(n + round) % 3];
                let target = if round % 4 == 3 { other.id } else { comment.id };
                let answer = process.done(react(target, who, emoji, round % 3 != 1)).await;
                assert_eq!(answer.my_reactions.contains(&emoji.to_owned()), round % 3 != 1);
                if round == 5 {
                    process.comment(post.id, who, "between").await;
                }
            }
        })
    });
    for task in join_all(toggling.collect::<Vec<_>>()).await {
        task.unwrap();
    }

    let log = p.log(room(post.id)).await;
    assert_eq!(seqs(&log), (1..=i64::try_from(log.len()).unwrap()).collect::<Vec<_>>());
    let mut live: Vec<Event> = p.told.events().into_iter().chain(q.told.events()).collect();
    live.sort_by_key(|event| event.seq);
    for target in [comment.id, other.id] {
        // What everybody was told, added up: it must come to the rows and to the counts at every step.
        let mut chosen = BTreeSet::<(i64, String)>::new();
        let mut last = Value::Null;
        for event in
            live.iter().filter(|e| &*e.kind == "comment.reacted" && e.subject == Some(Subject::Comment(target)))
        {
            let data = data(event);
            for toggled in data["by"].as_array().unwrap() {
                let one = (toggled["user_id"].as_i64().unwrap(), toggled["emoji"].as_str().unwrap().to_owned());
                assert!(if toggled["on"] == true { chosen.insert(one) } else { chosen.remove(&one) }, "{data}");
            }
            let mut counts = BTreeMap::<&str, u64>::new();
            chosen.iter().for_each(|(_, emoji)| *counts.entry(emoji).or_default() += 1);
            assert_eq!(data["reactions"], json!(counts), "at {}", event.seq);
            last = data["reactions"].clone();
        }
        let row = p.read_comment(target).await;
        assert_eq!(json!(row.reactions), last);
        let mut rows = BTreeSet::new();
        for who in &people {
            let mine = q.store.read().chosen(*who, &[target]).await.unwrap().remove(&target).unwrap_or_default();
            rows.extend(mine.into_iter().map(|emoji| (who.0, emoji)));
        }
        assert_eq!(rows, chosen);
    }
}

pub async fn toggles_behind_a_held_room_go_together(db: &Database) {
    let p = db.process().await;
    let (_, post, comment) = room_with_comment(&p).await;
    let people = people(&p, 40).await;
    // Where only the whole database can be held, what waits in the queue goes together all the same.
    let hold = db.hold(room(post.id)).await;
    let toggles = people.iter().map(|who| {
        let (p, toggle) = (p.clone(), react(comment.id, *who, "👍", true));
        tokio::spawn(async move { p.done(toggle).await })
    });
    let toggles: Vec<_> = toggles.collect();
    if let Some(hold) = hold {
        let free = p.post(people[0]).await;
        p.comment(free.id, people[0], "other rooms go on").await;
        hold.let_go().await;
    }
    for answer in join_all(toggles).await {
        answer.unwrap();
    }
    assert_eq!(p.read_comment(comment.id).await.reactions, counts(&[("👍", 40)]));
    let log = p.log(room(post.id)).await;
    assert!(log.len() <= 4, "{} events tell of 40 toggles", log.len());
    let named: usize = p.told.events().iter().filter_map(|e| Some(data(e)["by"].as_array()?.len())).sum();
    assert_eq!(named, 40);
}

pub async fn a_reply_in_the_same_group_keeps_the_newest_seq(db: &Database) {
    let p = db.process().await;
    let (ada, post, comment) = room_with_comment(&p).await;
    let reply = || CreateComment { parent_id: Some(comment.id), ..create_comment(post.id, ada, "reply") };
    let on = |on| Write::from(react(comment.id, ada, "👍", on));
    let results = p.group(vec![on(true), reply().into(), on(true)]).await;
    let Outcome::React(again) = &results[2].as_ref().unwrap().outcome else { panic!() };
    assert_eq!((again.seq, p.read_comment(comment.id).await.updated_seq), (3, 3));
    p.group(vec![reply().into(), on(false)]).await;
    let row = p.read_comment(comment.id).await;
    assert_eq!((row.updated_seq, row.reply_count, row.reactions.len()), (5, 2, 0));
    p.group(vec![on(true), reply().into()]).await;
    assert_eq!(p.read_comment(comment.id).await.updated_seq, 7);
}
