//! Every list comes from an index in its order: no scan, no sorting, however much there is.

use super::super::Sqlite;
use super::super::found::{TAGGED, WORDED};
use super::super::log::{MOVED, STRETCHES};
use super::super::notifications;
use super::super::threads::{REPLIES, list};
use super::serve;
use crate::model::CommentId;
use crate::model::page::Sort;
use crate::store::Backend;
use crate::store::read::Below;

async fn plan(store: &Sqlite, statement: &str) -> Vec<String> {
    let explain = format!("explain query plan {statement}");
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(explain))
        .bind("[]")
        .bind(1)
        .bind(1)
        .bind(1)
        .bind(1)
        .fetch_all(&store.readers)
        .await
        .unwrap();
    rows.into_iter().map(|(_, _, _, step)| step).collect()
}

#[tokio::test]
async fn every_page_of_comments_is_a_walk_along_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(&folder.path().join("belfry.sqlite")).await;
    for (below, index) in [
        (Below::Anything, "comments_flat (post_id=? AND"),
        (Below::Roots, "comments_roots (post_id=? AND"),
        (Below::Comment(CommentId(1)), "comments_replies (parent_id=? AND"),
    ] {
        for sort in [Sort::Oldest, Sort::Newest] {
            let steps = plan(&store, list(below, sort)).await;
            assert!(
                steps[0].starts_with("SEARCH c USING INDEX") && steps[0].contains(index),
                "{below:?} {sort:?}: {steps:?}"
            );
            assert!(steps.iter().all(|step| step.starts_with("SEARCH")), "{below:?} {sort:?}: {steps:?}");
        }
    }
    store.close().await;
}

#[tokio::test]
async fn a_page_by_reactions_is_two_walks_along_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(&folder.path().join("belfry.sqlite")).await;
    for (below, index) in [
        (Below::Anything, "comments_flat_top (post_id=? AND"),
        (Below::Roots, "comments_roots_top (post_id=? AND"),
        (Below::Comment(CommentId(1)), "comments_replies_top (parent_id=? AND"),
    ] {
        let steps = plan(&store, list(below, Sort::Top)).await;
        let walks: Vec<&String> = steps.iter().filter(|step| step.contains(index)).collect();
        assert!(walks[0].ends_with("reaction_count=? AND id>?)"), "{below:?}: {steps:?}");
        assert!(walks[1].ends_with("reaction_count<?)"), "{below:?}: {steps:?}");
        assert_eq!(walks.len(), 2, "{below:?}: {steps:?}");
        // Only what the two walks found, twice a page at most, is gone through and put in order.
        assert!(
            steps.iter().all(|step| !step.contains("SCAN")
                || step.starts_with("SCAN page")
                || step.starts_with("SCAN (subquery")),
            "{steps:?}"
        );
        assert!(steps.iter().any(|step| step == "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)"), "{steps:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn the_first_replies_of_each_comment_are_a_walk_along_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(&folder.path().join("belfry.sqlite")).await;
    let steps = plan(&store, REPLIES).await;
    assert!(
        steps.iter().any(|step| step.contains("SEARCH r USING COVERING INDEX comments_replies (parent_id=?)")),
        "{steps:?}"
    );
    for table in ["c", "reply"] {
        let by_id = format!("SEARCH {table} USING INTEGER PRIMARY KEY (rowid=?)");
        assert!(steps.contains(&by_id), "{steps:?}");
    }
    assert!(steps.iter().all(|step| !step.starts_with("SCAN") || step.starts_with("SCAN asked")), "{steps:?}");
    store.close().await;
}

#[tokio::test]
async fn posts_are_found_along_the_index_of_their_tag_or_their_words() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(&folder.path().join("belfry.sqlite")).await;
    let by_tag = plan(&store, TAGGED).await;
    assert!(by_tag.contains(&"SEARCH post_tags USING PRIMARY KEY (tag=? AND post_id<?)".to_owned()), "{by_tag:?}");
    assert!(by_tag.contains(&"SEARCH p USING INTEGER PRIMARY KEY (rowid=?)".to_owned()), "{by_tag:?}");
    assert!(!by_tag.iter().any(|step| step.contains("SCAN p") && !step.contains("SCAN post_tags")), "{by_tag:?}");
    let by_words = plan(&store, WORDED).await;
    // Words, a bound of the row and the order by it are all the index's own.
    assert!(by_words.iter().any(|step| step.starts_with("SCAN post_words VIRTUAL TABLE INDEX")), "{by_words:?}");
    assert!(by_words.contains(&"SEARCH p USING INTEGER PRIMARY KEY (rowid=?)".to_owned()), "{by_words:?}");
    store.close().await;
}

#[tokio::test]
async fn a_stretch_of_a_log_is_a_range_of_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(&folder.path().join("belfry.sqlite")).await;
    let steps = plan(&store, STRETCHES).await;
    assert!(steps[0].starts_with("SCAN asked VIRTUAL TABLE"), "{steps:?}");
    assert!(steps[1].starts_with("SEARCH c USING PRIMARY KEY (name=?)"), "{steps:?}");
    assert!(steps[2].contains("(channel=? AND seq>? AND seq<?)"), "{steps:?}");
    store.close().await;
}

#[tokio::test]
async fn heads_are_compared_by_one_step_into_an_index_each() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(&folder.path().join("belfry.sqlite")).await;
    let steps = plan(&store, MOVED).await;
    assert!(steps[0].starts_with("SCAN asked VIRTUAL TABLE"), "{steps:?}");
    assert!(steps[1].starts_with("SEARCH c USING PRIMARY KEY (name=?)"), "{steps:?}");
    store.close().await;
}

#[tokio::test]
async fn every_page_of_an_inbox_is_a_walk_along_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = serve(&folder.path().join("belfry.sqlite")).await;
    for (unread, index) in [
        (false, "notifications_newest (user_id=? AND seq<?)"),
        (true, "notifications_unread (user_id=? AND seq>? AND seq<?)"),
    ] {
        let steps = plan(&store, notifications::list(unread)).await;
        assert!(steps.iter().any(|step| step.contains(index)), "{unread}: {steps:?}");
        let known =
            |step: &String| ["SEARCH", "CO-ROUTINE", "SCAN n", "SCALAR SUBQUERY"].iter().any(|s| step.starts_with(s));
        assert!(steps.iter().all(known), "{unread}: {steps:?}");
    }
    let steps = plan(&store, notifications::ACTORS).await;
    assert!(steps.iter().any(|step| step.contains("notification_actors_latest (notification_id=?)")), "{steps:?}");
    assert!(steps.iter().all(|step| !step.starts_with("SCAN") || step.starts_with("SCAN asked")), "{steps:?}");
    store.close().await;
}
