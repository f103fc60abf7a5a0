//! Bounded work: what a statement reads depends on what it asks for, not on how much there is.

use super::*;
use crate::model::CommentId;
use crate::model::page::Sort;
use crate::store::postgres::{bells, found, log, notifications, posts, threads};
use crate::store::read::Below;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};

/// Pages of 8 KiB that a statement about 20 rows may touch: each row's own, its author's, and the way down the indexes.
const PAGES: i64 = 250;

/// A post with 100,000 comments that a planner takes for the whole table, though 5,000 newer ones are of another; among
/// them 20 roots at each end and 50,000 replies of one comment; 100,000 events; 5,000 posts deleted last.
const CROWD: &str = "
    alter table comments drop constraint comments_post_id_fkey;
    alter table comments drop constraint comments_author_id_fkey;
    alter table comments drop constraint comments_parent_id_fkey;
    insert into users (name, handle, created_at) select 'n', 'h' || n, 0 from generate_series(1, 100) as n;
    insert into posts (author_id, title, body, html, created_at, updated_at, deleted_at)
    select 1, 't', 'b', 'h', 0, 0, case when n > 1000 then 0 end from generate_series(1, 6000) as n;
    insert into channels (name) select 'post:' || id from posts;
    insert into comments (post_id, parent_id, depth, author_id, body, html, seq, updated_seq, created_at)
    select case when n <= 100000 then 1 else 2 end,
           case when n <= 20 or n between 99980 and 100000 then null when n <= 50000 then 1 else 2 end,
           0, 1 + n % 100, repeat('b', 200), repeat('h', 200), n, n, 0
    from generate_series(1, 105000) as n;
    update comments set reaction_count = id % 7 where id <= 60000 and id % 3 = 0;
    insert into post_tags (tag, post_id) select 'tag', id from posts where id <= 1000;
    insert into post_words (post_id, words)
    select id, array_to_tsvector(array['every', 'w' || id % 100]) from posts where id <= 1000;
    insert into events (channel, seq, at, kind, facts)
    select 'post:1', n, 0, 'custom.x', '1' from generate_series(1, 100000) as n";

#[tokio::test]
async fn a_page_costs_the_same_however_many_comments_there_are() {
    let Some((scratch, store, _)) = begin().await else { return };
    let mut fresh = scratch.connection().await;
    fresh.execute(CROWD).await.unwrap();
    let mut db = store.reads.acquire().await.unwrap();
    // Before anybody has counted the rows, and after.
    for counted in [false, true] {
        if counted {
            fresh.execute("analyze").await.unwrap();
        }
        for mode in ["force_custom_plan", "force_generic_plan"] {
            db.execute(AssertSqlSafe(format!("set plan_cache_mode = {mode}"))).await.unwrap();
            for sort in [Sort::Oldest, Sort::Newest] {
                let middle = 50_000;
                let first = if sort == Sort::Oldest { 0 } else { i64::MAX };
                for beyond in [first, middle] {
                    let list = |below| threads::list(below, sort);
                    let most = [
                        pages(&mut db, list(Below::Anything), &format!("1, {beyond}, 20")).await,
                        pages(&mut db, list(Below::Roots), &format!("1, {beyond}, 20")).await,
                        pages(&mut db, list(Below::Comment(CommentId(1))), &format!("1, {beyond}, 20, 1")).await,
                        pages(&mut db, list(Below::Comment(CommentId(1))), &format!("2, {beyond}, 20, 1")).await,
                    ];
                    let seen = (counted, mode, sort, beyond);
                    assert!(most.iter().all(|pages| *pages < PAGES), "{seen:?}: {most:?}");
                }
            }
            // Behind the first of all, in the middle of those with as many, and among those with none.
            for (reactions, id) in [(i64::MAX, 0), (3, 30_000), (0, 50_000)] {
                let behind = |parent: &str| format!("1, {id}, 20, {}{parent}", -reactions);
                let list = |below| threads::list(below, Sort::Top);
                let most = [
                    pages(&mut db, list(Below::Anything), &behind("")).await,
                    pages(&mut db, list(Below::Roots), &behind("")).await,
                    pages(&mut db, list(Below::Comment(CommentId(1))), &behind(", 1")).await,
                ];
                assert!(most.iter().all(|pages| *pages < PAGES), "{counted} {mode} top {reactions}: {most:?}");
            }
            let all = [
                pages(&mut db, threads::REPLIES, "array[1, 2, 3, 4, 5], 4").await,
                pages(&mut db, found::TAGGED, "500, 20, 'tag'").await,
                searched(&mut db, &format!("{}, 20, null, '''w7'' & ''every'''", i64::MAX)).await,
                searched(&mut db, "900, 20, 'tag', '''w7'''").await,
                pages(&mut db, posts::LIST, &format!("{}, 20", i64::MAX)).await,
                pages(
                    &mut db,
                    log::EVENTS,
                    "array['post:1', 'post:2'], array[50000, 0], array[20, 20], array[false, true]",
                )
                .await,
                pages(&mut db, log::EVENTS, "array['post:1'], array[0], array[20], array[true]").await,
                pages(&mut db, log::MOVED, "array['post:1', 'post:2', 'post:9999'], array[1, 0, 1]").await,
            ];
            assert!(all.iter().all(|pages| *pages < PAGES), "{counted} {mode}: {all:?}");
        }
    }
}

/// As [`pages`] for a search, which sets one thing otherwise.
async fn searched(db: &mut PgConnection, arguments: &str) -> i64 {
    db.execute("set enable_bitmapscan = on").await.unwrap();
    let touched = pages(db, found::WORDED, arguments).await;
    db.execute("set enable_bitmapscan = off").await.unwrap();
    touched
}

/// Ada's inbox: 100,000 notifications, of which the 100 oldest and every tenth one are unread; 100,000 of others, with 50
/// actors each of a few. All of one post.
const INBOX: &str = "
    insert into notifications
        (user_id, group_key, kind, post_id, comment_id, count, created_at, updated_at, read_at, seq)
    select case when n % 2 = 0 then 1 else 2 + n % 50 end, 'reaction:' || n, 'reaction', 1, n, 50, 0, 0,
           case when n < 200 or n % 20 = 0 then null else 1 end, n
    from generate_series(1, 200000) as n;
    insert into inboxes (user_id, read_seq, read_at) values (1, 50, 1);
    insert into notification_actors (notification_id, user_id, at)
    select 1 + n % 2000, 1 + n / 2000, n from generate_series(1, 100000) as n";

#[tokio::test]
async fn an_inbox_costs_the_same_however_much_is_in_it() {
    let Some((scratch, store, _)) = begin().await else { return };
    let mut fresh = scratch.connection().await;
    fresh.execute(CROWD).await.unwrap();
    fresh.execute(INBOX).await.unwrap();
    let mut db = store.reads.acquire().await.unwrap();
    for counted in [false, true] {
        if counted {
            fresh.execute("analyze").await.unwrap();
        }
        for mode in ["force_custom_plan", "force_generic_plan"] {
            db.execute(AssertSqlSafe(format!("set plan_cache_mode = {mode}"))).await.unwrap();
            let mut all = Vec::new();
            for before in [i64::MAX, 100_000, 150] {
                for unread in [false, true] {
                    all.push(pages(&mut db, notifications::list(unread), &format!("1, {before}, 20")).await);
                }
            }
            let ids = "array[1, 2, 3, 4]";
            all.push(pages(&mut db, notifications::ACTORS, &format!("{ids}, 5")).await);
            all.push(pages(&mut db, bells::RINGERS, &format!("{ids}, 10, {ids}, {ids}")).await);
            assert!(all.iter().all(|pages| *pages < PAGES), "{counted} {mode}: {all:?}");
        }
    }
}

/// How many pages a statement touches with these arguments.
async fn pages(db: &mut PgConnection, statement: &str, arguments: &str) -> i64 {
    let run = |text: String| AssertSqlSafe(text);
    db.execute(run(format!("deallocate all; prepare asked as {statement}"))).await.unwrap();
    let explain = format!("explain (analyze, buffers, format json) execute asked ({arguments})");
    let plan: Value = {
        let text: sqlx::types::Json<Value> =
            sqlx::query_scalar(run(explain)).persistent(false).fetch_one(db).await.unwrap();
        text.0
    };
    let touched = |kind: &str| plan[0]["Plan"][kind].as_i64().unwrap();
    touched("Shared Hit Blocks") + touched("Shared Read Blocks")
}
