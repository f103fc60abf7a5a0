//! A full disk.

use super::super::{Mode, Options, Sqlite};
use crate::model::{PostId, UserId};
use crate::store::conformance::Database;
use crate::store::conformance::support::*;
use crate::store::{Backend, StoreError};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use std::sync::Arc;

/// Writes something as long as this and answers its seq.
type Append = for<'a> fn(&'a Process, PostId, UserId, &'a str) -> BoxFuture<'a, Result<i64, StoreError>>;

/// The row is written when the member is applied: there the disk is found full.
fn comment<'a>(p: &'a Process, post: PostId, by: UserId, text: &'a str) -> BoxFuture<'a, Result<i64, StoreError>> {
    p.write(create_comment(post, by, text)).map(|done| Ok(done?.value.seq)).boxed()
}

/// Everything is written at the end of the transaction: there the disk is found full.
fn publication<'a>(p: &'a Process, post: PostId, _: UserId, text: &'a str) -> BoxFuture<'a, Result<i64, StoreError>> {
    p.write(publish(room(post), &format!("{text:?}"))).map(|done| Ok(done?.value)).boxed()
}

async fn fill(append: Append) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("belfry.sqlite");
    let options = Options { max_pages: 120, ..Options::new(Mode::Serve, folder.path()) };
    let sqlite = Arc::new(Sqlite::connect(&path, options).await.unwrap());
    let backend: Arc<dyn Backend> = sqlite.clone();
    let same = move || std::future::ready(backend.clone()).boxed();
    let db = Database::new(same, folder);
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;

    let large = "x".repeat(2_000);
    let (mut acknowledged, mut failed) = (Vec::new(), 0);
    while failed < 40 {
        // Small members beside large ones: after the large one fails, the small one must not be committed on its own.
        let texts = [large.as_str(), "small"].repeat(4);
        for answer in join_all(texts.into_iter().map(|text| append(&p, post, ada, text))).await {
            match answer {
                Ok(seq) => acknowledged.push(seq),
                Err(StoreError::Unavailable(_)) => failed += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(acknowledged.len() > 20, "some fitted");
    acknowledged.sort_unstable();
    assert_eq!(seqs(&p.log(room(post)).await), acknowledged);
    assert_eq!(p.told.seqs(room(post)), acknowledged);
    let rows = p.log(room(post)).await.iter().filter(|event| event.subject.is_some()).count();
    assert_eq!(p.read_post(post).await.comment_count, rows as i64);

    sqlite.writer.bound(4_000).await;
    assert_eq!(append(&p, post, ada, &large).await.unwrap(), acknowledged.len() as i64 + 1);
}

#[tokio::test]
async fn a_disk_found_full_by_a_member_acknowledges_nothing_that_is_not_there_and_recovers() {
    fill(comment).await;
}

#[tokio::test]
async fn a_disk_found_full_at_the_commit_acknowledges_nothing_that_is_not_there_and_recovers() {
    fill(publication).await;
}
