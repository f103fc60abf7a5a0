//! What posts are found by.

use super::support::*;
use crate::model::{PageCount, Post, PostId, UserId};
use crate::store::Rejection;
use crate::store::read::Find;
use crate::store::words;
use crate::store::write::*;
use futures_util::future::join_all;
use serde_json::json;

fn find(tag: Option<&str>, q: &str) -> Find {
    Find { tag: tag.map(str::to_owned), words: words::words(q).into_iter().collect() }
}

async fn found(p: &Process, tag: Option<&str>, q: &str) -> Vec<PostId> {
    let posts = p.store.read().find_posts(&find(tag, q), None, 100).await.unwrap();
    posts.into_iter().map(|post| post.id).collect()
}

async fn written(p: &Process, author: UserId, title: &str, body: &str, tags: &[&str]) -> Post {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    p.done(CreatePost { body: body.into(), tags, ..create_post(author, title) }).await.value.value
}

fn page(page_key: &str, url: Option<&str>) -> CreatePage {
    CreatePage { page_key: page_key.into(), title: "A page".into(), url: url.map(str::to_owned) }
}

pub async fn posts_are_found_by_tag_and_by_words_newest_first(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let a = written(&p, ada, "Rust at sea", "Of ships and crabs.", &["rust", "sea"]).await;
    let b = written(&p, ada, "The sea", "Waves, waves; ships!", &["sea"]).await;
    let c = written(&p, ada, "Crabs", "They rust not", &["rust"]).await;
    assert_eq!(a.tags, ["rust", "sea"]);
    assert_eq!(p.read_post(a.id).await, a);
    assert_eq!(found(&p, None, "").await, [c.id, b.id, a.id]);
    assert_eq!(found(&p, Some("rust"), "").await, [c.id, a.id]);
    assert_eq!(found(&p, Some("rus"), "").await, []);
    assert_eq!(found(&p, None, "ships").await, [b.id, a.id]);
    assert_eq!(found(&p, None, "SHIPS sea").await, [b.id, a.id]);
    assert_eq!(found(&p, None, "ships crabs").await, [a.id]);
    assert_eq!(found(&p, None, "ship").await, [], "whole words");
    assert_eq!(found(&p, Some("rust"), "crabs").await, [c.id, a.id]);
    assert_eq!(found(&p, Some("sea"), "crabs").await, [a.id]);
    assert_eq!(found(&p, Some("sea"), "not").await, []);

    let read = p.store.read();
    for find in [find(Some("rust"), ""), find(None, "crabs"), find(Some("rust"), "crabs")] {
        let first = read.find_posts(&find, None, 1).await.unwrap();
        assert_eq!(first, vec![c.clone()]);
        assert_eq!(read.find_posts(&find, Some(c.id), 5).await.unwrap(), vec![a.clone()]);
        assert_eq!(read.find_posts(&find, Some(a.id), 5).await.unwrap(), []);
    }
}

pub async fn a_post_is_found_by_what_it_says_now_and_not_at_all_once_deleted(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = written(&p, ada, "Old title", "old body", &["one", "two"]).await;
    let keyed = CreatePost { key: key(ada, "post", "k", 1), tags: vec!["kept".into()], ..create_post(ada, "Keyed") };
    let first = p.done(keyed.clone()).await;
    assert_eq!(p.done(keyed).await.value.value, first.value.value);

    let update = UpdatePost { post_id: post.id, actor: author(ada), title: None, body: None, tags: None };
    let tags = UpdatePost { tags: Some(vec!["two".into(), "three".into()]), ..update.clone() };
    let changed = p.done(tags.clone()).await;
    assert_eq!((changed.value.tags.clone(), changed.seq), (vec!["two".to_owned(), "three".to_owned()], 1));
    assert_eq!(p.done(tags).await.seq, 1, "the same again says nothing");
    assert_eq!(data(&p.log(room(post.id)).await[0])["post"]["tags"], json!(["two", "three"]));
    p.done(UpdatePost { title: Some("New title".into()), ..update.clone() }).await;
    assert_eq!(found(&p, Some("one"), "").await, []);
    assert_eq!((found(&p, Some("two"), "").await, found(&p, Some("three"), "").await), (vec![post.id], vec![post.id]));
    assert_eq!((found(&p, None, "old").await, found(&p, None, "new old").await), (vec![post.id], vec![post.id]));
    p.done(UpdatePost { body: Some(("new".into(), "<p>new</p>".into())), ..update }).await;
    assert_eq!((found(&p, None, "old").await, found(&p, None, "new").await), (vec![], vec![post.id]));

    p.done(DeletePost { post_id: post.id, actor: author(ada) }).await;
    assert_eq!((found(&p, None, "new").await, found(&p, Some("two"), "").await), (vec![], vec![]));
}

pub async fn what_is_searched_for_is_cut_and_compared_alike(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let text = "Größe STRASSE ΟΔΟΣ naïve don't 3.14 日本語 क्ष x_y C++ 'quoted' and or not NEAR \\ \"deep\"";
    let post = written(&p, ada, "Ünï", text, &[]).await.id;
    for q in [
        "grösse",
        "straße",
        "οδος",
        "NAÏVE",
        "don't",
        "t don",
        "3.14",
        "14",
        "日本語",
        "क्ष",
        "x",
        "y_x",
        "c++",
        "'quoted'",
        "and or not near",
        "\\",
        "\"deep\"",
        "ÜNÏ",
        "deep & (not | and)",
        "ünï:*",
    ] {
        let wanted = if words::words(q).is_empty() { vec![post] } else { found(&p, None, q).await };
        assert_eq!(wanted, [post], "{q}");
    }
    for q in ["groß", "日本", "naive", "deeper", "quoted x absent"] {
        assert_eq!(found(&p, None, q).await, [], "{q}");
    }
    let empty = written(&p, ada, "!", "...", &[]).await;
    assert_eq!(p.read_post(empty.id).await, empty);
    let long: String = (0..30_000).map(|n| format!("word{n} ")).collect();
    let large = written(&p, ada, "Large", &long, &[]).await.id;
    assert_eq!(found(&p, None, "word0 word29999 large").await, [large]);
}

pub async fn the_page_of_a_site_is_made_once_and_found_by_its_key(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    assert_eq!(p.store.read().page("/about").await.unwrap(), None);
    let made = p.done(page("/about", Some("https://site.example/about"))).await;
    assert!(made.created);
    let post = made.post.value.clone();
    assert_eq!((post.title.as_str(), post.body.as_str(), post.author.as_ref()), ("A page", "", None));
    assert_eq!((post.page_key.as_deref(), post.url.as_deref()), (Some("/about"), Some("https://site.example/about")));
    assert_eq!(p.store.read().page("/about").await.unwrap(), Some(made.post.clone()));
    assert_eq!(p.store.read().page("/About").await.unwrap(), None, "keys are exact");
    assert_eq!(p.read_post(post.id).await, post);
    assert_eq!(found(&p, None, "page").await, [post.id]);

    p.comment(post.id, ada, "hello").await;
    let again = p.done(CreatePage { title: "Another".into(), ..page("/about", None) }).await;
    assert!(!again.created);
    assert_eq!((again.post.value.title.as_str(), again.post.value.comment_count, again.post.seq), ("A page", 1, 1));
    // In one group, with a comment that the answer must count.
    let group = vec![create_comment(post.id, ada, "more").into(), page("/new", None).into(), page("/new", None).into()];
    let results = p.group(group).await;
    let answers: Vec<&Page> = results[1..]
        .iter()
        .map(|result| match &result.as_ref().unwrap().outcome {
            Outcome::CreatePage(page) => page,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((answers[0].created, answers[1].created), (true, false));
    assert_eq!(answers[0].post, answers[1].post);

    p.done(DeletePost { post_id: post.id, actor: moderator(ada) }).await;
    assert_eq!(p.store.read().page("/about").await.unwrap(), None);
    let anew = p.done(page("/about", None)).await;
    assert!(anew.created && anew.post.value.id != post.id);
}

pub async fn a_page_made_at_once_by_many_is_one_post(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    for round in 0..5 {
        let making = (0..8).map(|n| {
            let (process, page) = (if n % 2 == 0 { p.clone() } else { q.clone() }, page(&format!("/{round}"), None));
            tokio::spawn(async move { process.done(page).await })
        });
        let made: Vec<Page> = join_all(making.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(made.iter().filter(|page| page.created).count(), 1);
        assert!(made.iter().all(|page| page.post == made[0].post));
    }
    assert_eq!(p.store.read().posts(None, 100).await.unwrap().len(), 5);
}

pub async fn a_page_is_changed_and_told(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let made = p.done(page("/a", None)).await.post.value;
    let change = |title: Option<&str>, url: Option<&str>| ChangePage {
        post_id: made.id,
        actor: None,
        title: title.map(str::to_owned),
        url: url.map(str::to_owned),
    };
    assert_eq!(p.done(change(None, None)).await, Versioned { value: made.clone(), seq: 0 });
    assert_eq!(p.done(change(Some("A page"), None)).await.seq, 0);
    let changed = p.done(change(Some("Renamed"), Some("https://site.example/a"))).await;
    assert_eq!(
        (changed.value.title.as_str(), changed.value.url.as_deref()),
        ("Renamed", Some("https://site.example/a"))
    );
    assert_eq!(p.done(ChangePage { actor: Some(ada), ..change(None, Some("https://site.example/b")) }).await.seq, 2);
    let log = p.log(room(made.id)).await;
    assert_eq!(kinds(&log), ["post.updated", "post.updated"]);
    assert_eq!(data(&log[1])["post"]["url"], json!("https://site.example/b"));
    assert_eq!((found(&p, None, "renamed").await, found(&p, None, "page").await), (vec![made.id], vec![]));
    p.done(DeletePost { post_id: made.id, actor: moderator(ada) }).await;
    assert_eq!(p.refused(change(Some("x"), None)).await, Rejection::NotFound("post"));
    let nowhere = ChangePage { post_id: PostId(999_999), ..change(Some("x"), None) };
    assert_eq!(p.refused(nowhere).await, Rejection::NotFound("post"));
}

pub async fn pages_are_counted_by_their_keys(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (a, b) = (p.done(page("/a", None)).await.post.value, p.done(page("/b", None)).await.post.value);
    p.comment(a.id, ada, "one").await;
    let gone = p.comment(a.id, ada, "two").await;
    p.done(DeleteComment { comment_id: gone.id, actor: author(ada) }).await;
    let keys = ["/b", "/missing", "/a"].map(str::to_owned);
    let mut counts = p.store.read().page_counts(&keys).await.unwrap();
    counts.sort_by(|one, other| one.page_key.cmp(&other.page_key));
    let count = |id, page_key: &str, comment_count| PageCount { id, page_key: page_key.into(), comment_count };
    assert_eq!(counts, [count(a.id, "/a", 1), count(b.id, "/b", 0)]);
    p.done(DeletePost { post_id: a.id, actor: moderator(ada) }).await;
    assert_eq!(p.store.read().page_counts(&keys).await.unwrap(), [count(b.id, "/b", 0)]);
}

pub async fn who_takes_part_is_the_author_and_whoever_has_a_comment(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let post = p.post(eve).await;
    let people = async |post| {
        let people = p.store.read().participants(post).await.unwrap();
        people.map(|people| people.into_iter().map(|user| user.id).collect::<Vec<_>>())
    };
    assert_eq!(people(post.id).await, Some(vec![eve]));
    let first = p.comment(post.id, bob, "one").await;
    let second = p.comment(post.id, bob, "two").await;
    p.group(vec![create_comment(post.id, ada, "x").into(), create_comment(post.id, ada, "y").into()]).await;
    p.comment(post.id, eve, "mine").await;
    assert_eq!(people(post.id).await, Some(vec![eve, ada, bob]));
    let whole = p.store.read().participants(post.id).await.unwrap().unwrap();
    assert_eq!(whole[1], p.person("ada").await.user);
    p.done(DeleteComment { comment_id: first.id, actor: author(bob) }).await;
    assert_eq!(people(post.id).await, Some(vec![eve, ada, bob]), "one is left");
    p.done(DeleteComment { comment_id: second.id, actor: author(bob) }).await;
    p.done(DeleteComment { comment_id: second.id, actor: author(bob) }).await;
    assert_eq!(people(post.id).await, Some(vec![eve, ada]));
    p.comment(post.id, bob, "back").await;
    assert_eq!(people(post.id).await, Some(vec![eve, ada, bob]));

    let page = p.done(page("/a", None)).await.post.value.id;
    assert_eq!(people(page).await, Some(vec![]));
    p.comment(page, ada, "first").await;
    assert_eq!(people(page).await, Some(vec![ada]));
    p.done(DeletePost { post_id: post.id, actor: author(eve) }).await;
    assert_eq!((people(post.id).await, people(PostId(999_999)).await), (None, None));
}
