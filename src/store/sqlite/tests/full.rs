//! A full disk.

use super::super::{Mode, Options, Sqlite};
use crate::store::conformance::Database;
use crate::store::conformance::support::*;
use crate::store::{Backend, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::sync::Arc;

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_that_is_not_there_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("belfry.sqlite");
    let options = Options { max_pages: 120, ..Options::new(Mode::Serve, folder.path()) };
    let sqlite = Arc::new(Sqlite::connect(&path, options).await.unwrap());
    let backend: Arc<dyn Backend> = sqlite.clone();
    let db = Database::new(
        move || {
            let backend = backend.clone();
            async move { backend }.boxed()
        },
        folder,
    );
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;

    let body = "x".repeat(2_000);
    let (mut acknowledged, mut failed) = (Vec::new(), 0);
    while failed < 40 {
        // Small members beside large ones: after FULL a later one must not be committed on its own.
        let writes = (0..8).map(|n| {
            let (p, body) = (&p, if n % 2 == 0 { body.as_str() } else { "small" });
            async move { p.write(create_comment(post.id, ada, body)).await }
        });
        for answer in join_all(writes).await {
            match answer {
                Ok(applied) => acknowledged.push(applied.value),
                Err(StoreError::Unavailable(_)) => failed += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(acknowledged.len() > 20, "some fitted");
    let there = p.log(room(post.id)).await;
    assert_eq!(seqs(&there), (1..=acknowledged.len() as i64).collect::<Vec<_>>());
    for comment in &acknowledged {
        assert_eq!(&p.read_comment(comment.id).await, comment);
    }
    assert_eq!(p.read_post(post.id).await.comment_count, acknowledged.len() as i64);
    assert_eq!(p.told.seqs(room(post.id)), seqs(&there));

    sqlite.writer.bound(4_000).await;
    let next = p.done(create_comment(post.id, ada, &body)).await.value;
    assert_eq!(next.seq, there.last().unwrap().seq + 1);
}
