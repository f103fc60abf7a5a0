//! Every list comes from an index in its order: no scan, no sorting, however many comments a post has.

use super::super::comments::list;
use super::serve;
use crate::model::CommentId;
use crate::model::page::Sort;
use crate::store::Backend;
use crate::store::read::Below;

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
            let plan = format!("explain query plan {}", list(below, sort));
            let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(plan))
                .bind(1)
                .bind(1)
                .bind(1)
                .bind(1)
                .fetch_all(&store.readers)
                .await
                .unwrap();
            let steps: Vec<_> = rows.into_iter().map(|(_, _, _, step)| step).collect();
            assert!(
                steps[0].contains(index) && steps[0].starts_with("SEARCH c USING INDEX"),
                "{below:?} {sort:?}: {steps:?}"
            );
            assert!(steps.iter().all(|step| step.starts_with("SEARCH")), "{below:?} {sort:?}: {steps:?}");
        }
    }
    store.close().await;
}
