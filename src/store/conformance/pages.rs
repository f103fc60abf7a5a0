//! Pages of posts and comments.

use super::support::*;
use crate::model::page::Sort;
use crate::model::{Comment, CommentId, PostId};
use crate::store::read::{Behind, Below};
use crate::store::write::*;

struct List<'a> {
    p: &'a Process,
    post: PostId,
    below: Below,
    sort: Sort,
}

impl List<'_> {
    async fn page(&self, after: Option<Behind>, limit: i64) -> Vec<Comment> {
        self.p.store.read().comments(self.post, self.below, self.sort, after, limit).await.unwrap().unwrap().value
    }

    /// Every page from the first, two comments at a time.
    async fn all(&self) -> Vec<CommentId> {
        let (mut ids, mut last) = (Vec::new(), None);
        loop {
            let page = self.page(last, 2).await;
            last = page.last().map(Behind::comment);
            if last.is_none() {
                return ids;
            }
            ids.extend(page.iter().map(|comment| comment.id));
        }
    }
}

fn reversed(ids: &[CommentId]) -> Vec<CommentId> {
    ids.iter().rev().copied().collect()
}

pub async fn every_list_of_comments_has_its_order(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (post, other) = (p.post(ada).await.id, p.post(ada).await);
    let a = p.comment(post, ada, "a").await;
    p.comment(other.id, ada, "elsewhere").await;
    let b = p.reply(&a, ada, "b").await;
    let c = p.comment(post, ada, "c").await;
    let d = p.reply(&a, ada, "d").await;
    let e = p.reply(&b, ada, "e").await;
    let f = p.reply(&a, ada, "f").await;
    p.done(DeleteComment { comment_id: d.id, actor: author(ada) }).await;
    let [a, b, c, d, e, f] = [a, b, c, d, e, f].map(|comment| comment.id);

    for (below, expected) in [
        (Below::Anything, vec![a, b, c, d, e, f]),
        (Below::Roots, vec![a, c]),
        (Below::Comment(a), vec![b, d, f]),
        (Below::Comment(b), vec![e]),
        (Below::Comment(e), vec![]),
        (Below::Comment(CommentId(999_999)), vec![]),
    ] {
        let p = &p;
        assert_eq!(List { p, post, below, sort: Sort::Oldest }.all().await, expected, "{below:?}");
        assert_eq!(List { p, post, below, sort: Sort::Newest }.all().await, reversed(&expected), "{below:?}");
    }
    let foreign = List { p: &p, post: other.id, below: Below::Comment(a), sort: Sort::Oldest };
    assert_eq!(foreign.all().await, []);
}

pub async fn a_list_by_reactions_has_the_most_first_and_the_oldest_of_equals(db: &Database) {
    let p = db.process().await;
    let people: Vec<_> = [p.user("ada").await, p.user("bob").await, p.user("eve").await].into();
    let (ada, post) = (people[0], p.post(people[0]).await.id);
    let other = p.post(ada).await;
    let foreign = p.comment(other.id, ada, "elsewhere").await.id;
    let root = p.comment(post, ada, "root").await;
    let mut roots = vec![root.id];
    let mut replies = Vec::new();
    for _ in 0..5 {
        roots.push(p.comment(post, ada, "root").await.id);
        replies.push(p.reply(&root, ada, "reply").await.id);
    }
    // How often each is chosen; the first of a person counts as much as the second.
    let chosen = [(roots[3], 3), (roots[5], 3), (roots[1], 1), (replies[4], 2), (replies[2], 4), (foreign, 5)];
    for (comment_id, times) in chosen {
        for n in 0..times {
            let emoji = if n < 3 { "👍" } else { "🎉" }.into();
            p.done(React { comment_id, actor: people[n % 3], emoji, on: true, at_most: 20 }).await;
        }
    }
    let top = |below| List { p: &p, post, below, sort: Sort::Top };
    let by_roots = [roots[3], roots[5], roots[1], roots[0], roots[2], roots[4]];
    assert_eq!(top(Below::Roots).all().await, by_roots);
    let by_replies = [replies[2], replies[4], replies[0], replies[1], replies[3]];
    assert_eq!(top(Below::Comment(root.id)).all().await, by_replies);
    assert_eq!(top(Below::Comment(foreign)).all().await, []);
    let flat = top(Below::Anything).all().await;
    assert_eq!(flat[..5], [replies[2], roots[3], roots[5], replies[4], roots[1]]);
    assert!(flat[5..].is_sorted() && flat.len() == 11);
    let page = top(Below::Anything).page(Some(Behind { id: roots[3], reactions: 3 }), 2).await;
    assert_eq!(page.iter().map(|comment| comment.id).collect::<Vec<_>>(), flat[2..4]);
    assert_eq!(page[1], p.read_comment(replies[4]).await);

    p.done(DeleteComment { comment_id: roots[3], actor: author(ada) }).await;
    assert_eq!(top(Below::Roots).all().await[..2], [roots[5], roots[1]]);
    let foreign_root = List { p: &p, post: other.id, below: Below::Comment(root.id), sort: Sort::Top };
    assert_eq!(foreign_root.all().await, []);
}

pub async fn the_first_replies_of_many_are_read_at_once(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    let roots = [p.comment(post, ada, "a").await, p.comment(post, ada, "b").await, p.comment(post, ada, "c").await];
    let mut written: Vec<Vec<Comment>> = vec![Vec::new(); 2];
    for n in 0..5 {
        let of = n % 2;
        let reply = p.reply(&roots[of], ada, "reply").await;
        written[of].push(reply);
    }
    p.reply(&written[0][0], ada, "deeper").await;
    written[0][0] = p.read_comment(written[0][0].id).await;
    let ids: Vec<CommentId> = roots.iter().map(|root| root.id).chain([CommentId(999_999)]).collect();
    let replies = p.store.read().replies(&ids, 2).await.unwrap();
    let expected = [(ids[0], written[0][..2].to_vec()), (ids[1], written[1][..2].to_vec())];
    assert_eq!(replies, expected.into());
    assert_eq!(p.store.read().replies(&ids, 9).await.unwrap()[&ids[0]], written[0]);
    assert!(p.store.read().replies(&[], 9).await.unwrap().is_empty());
}

pub async fn a_page_shows_comments_as_they_are_with_the_head_of_their_room(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    let a = p.comment(post, ada, "a").await;
    let b = p.reply(&a, ada, "b").await;
    let gone = p.done(DeleteComment { comment_id: b.id, actor: author(ada) }).await;
    let edited = p.done(edit(a.id, author(ada), "edited")).await;
    let page = p.store.read().comments(post, Below::Anything, Sort::Oldest, None, 10).await.unwrap().unwrap();
    assert_eq!(page, Versioned { value: vec![edited.clone(), gone], seq: 4 });
    assert_eq!(p.store.read().comment(a.id).await.unwrap(), Some(Versioned { value: edited, seq: 4 }));
    assert_eq!(p.store.read().comment(CommentId(999_999)).await.unwrap(), None);
    let empty = p.store.read().comments(post, Below::Anything, Sort::Oldest, None, 0).await.unwrap().unwrap();
    assert_eq!(empty, Versioned { value: vec![], seq: 4 });
}

pub async fn a_post_that_is_not_there_has_no_pages(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    p.comment(post, ada, "a").await;
    p.done(DeletePost { post_id: post, actor: author(ada) }).await;
    for post in [post, PostId(999_999)] {
        let page = p.store.read().comments(post, Below::Anything, Sort::Oldest, None, 10).await.unwrap();
        assert_eq!(page, None);
    }
}

pub async fn pages_are_stable_while_comments_are_inserted(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    let mut first = Vec::new();
    for _ in 0..6 {
        first.push(p.comment(post, ada, "x").await.id);
    }
    for sort in [Sort::Oldest, Sort::Newest] {
        let list = List { p: &p, post, below: Below::Anything, sort };
        let (mut seen, mut last): (Vec<CommentId>, _) = (Vec::new(), None);
        for _ in 0..3 {
            let page = list.page(last, 2).await;
            last = page.last().map(Behind::comment);
            seen.extend(page.iter().map(|comment| comment.id));
            p.comment(post, ada, "in between").await;
        }
        let mut expected = list.all().await;
        let (unique, from) = (seen.iter().collect::<std::collections::HashSet<_>>(), seen[0]);
        assert_eq!(unique.len(), seen.len(), "nothing twice");
        expected.retain(|id| if sort == Sort::Oldest { *id >= from } else { *id <= from });
        expected.truncate(seen.len());
        assert_eq!(seen, expected, "nothing left out");
    }
}

pub async fn posts_are_listed_newest_first_without_those_deleted(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(p.post(ada).await.id);
    }
    p.comment(ids[4], ada, "one").await;
    p.done(DeletePost { post_id: ids[3], actor: author(ada) }).await;
    let read = p.store.read();
    let first = read.posts(None, 2).await.unwrap();
    assert_eq!(first.iter().map(|post| post.id).collect::<Vec<_>>(), [ids[4], ids[2]]);
    assert_eq!((first[0].comment_count, first[1].comment_count), (1, 0));
    p.post(ada).await;
    let rest = read.posts(Some(ids[2]), 10).await.unwrap();
    assert_eq!(rest.iter().map(|post| post.id).collect::<Vec<_>>(), [ids[1], ids[0]]);
    assert_eq!(read.post(ids[4]).await.unwrap(), Some(Versioned { value: first[0].clone(), seq: 1 }));
}
