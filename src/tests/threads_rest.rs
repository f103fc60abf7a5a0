//! Threads over REST: by number of reactions, and with the first replies.

use crate::site::{Site, ids, site_with_post};
use serde_json::{Value, json};

async fn write(site: &Site, who: &str, post: i64, parent: Value) -> i64 {
    let body = json!({"body": "x", "parent_id": parent});
    site.post(who, &format!("/posts/{post}/comments"), body).await.created()["id"].as_i64().unwrap()
}

async fn react(site: &Site, who: &str, comment: i64, emoji: &str) {
    let path = format!("/comments/{comment}/reactions/{emoji}");
    site.send(who, "PUT", &path, &[], String::new()).await.ok();
}

const EMOJI: [&str; 3] = ["%F0%9F%91%8D", "%F0%9F%91%8E", "%F0%9F%8E%89"];

#[tokio::test]
async fn the_top_of_a_thread_is_what_has_the_most_reactions() {
    let (site, ada, post) = site_with_post().await;
    let mut roots = Vec::new();
    for _ in 0..5 {
        roots.push(write(&site, &ada, post, Value::Null).await);
    }
    let reply = write(&site, &ada, post, json!(roots[0])).await;
    for (comment, times) in [(roots[1], 1), (roots[3], 2), (roots[4], 2), (reply, 3)] {
        for emoji in &EMOJI[..times] {
            react(&site, &ada, comment, emoji).await;
        }
    }
    let walk = async |query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = site.get("", &format!("/posts/{post}/comments?limit=2&sort=top{query}{cursor}")).await.ok();
            assert_eq!((&page["epoch"], &page["seq"]), (&json!(site.epoch()), &json!(14)));
            seen.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    assert_eq!(walk("&parent_id=0").await, [roots[3], roots[4], roots[1], roots[0], roots[2]]);
    assert_eq!(walk("").await, [reply, roots[3], roots[4], roots[1], roots[0], roots[2]]);
    assert_eq!(walk(&format!("&parent_id={}", roots[0])).await, [reply]);
    assert_eq!(walk(&format!("&parent_id={}", roots[1])).await, Vec::<i64>::new());
}

#[tokio::test]
async fn each_comment_comes_with_its_oldest_replies_two_levels_deep() {
    let (site, ada, post) = site_with_post().await;
    let root = write(&site, &ada, post, Value::Null).await;
    let lonely = write(&site, &ada, post, Value::Null).await;
    let mut replies = Vec::new();
    for _ in 0..4 {
        replies.push(write(&site, &ada, post, json!(root)).await);
    }
    let mut deeper = Vec::new();
    for _ in 0..3 {
        deeper.push(write(&site, &ada, post, json!(replies[0])).await);
    }
    let deepest = write(&site, &ada, post, json!(deeper[0])).await;
    react(&site, &ada, deeper[0], EMOJI[0]).await;

    let path = format!("/posts/{post}/comments");
    let list = site.get(&ada, &format!("{path}?parent_id=0&replies=2")).await.ok();
    assert_eq!(ids(&list), [root, lonely]);
    assert_eq!(list["items"][1]["replies"], json!({"items": [], "next_cursor": null}));
    let first = &list["items"][0]["replies"];
    assert_eq!(ids(first), replies[..2]);
    assert_eq!(first["items"][1]["replies"], json!({"items": [], "next_cursor": null}));
    let second = &first["items"][0]["replies"];
    assert_eq!(ids(second), deeper[..2]);
    assert!(second["items"][0].get("replies").is_none(), "two levels, no more");
    assert_eq!((&second["items"][0]["reply_count"], deepest > 0), (&json!(1), true));
    assert_eq!(second["items"][0]["my_reactions"], json!(["👍"]));
    assert_eq!(second["items"][1]["my_reactions"], json!([]));

    // Each cursor goes on where its replies end.
    for (parent, of, rest) in [(root, first, &replies[2..]), (replies[0], second, &deeper[2..])] {
        let cursor = of["next_cursor"].as_str().unwrap();
        let page = site.get("", &format!("{path}?parent_id={parent}&sort=oldest&cursor={cursor}")).await.ok();
        assert_eq!(ids(&page), rest);
        assert_eq!(page["next_cursor"], Value::Null);
    }
    let all = site.get("", &format!("{path}?parent_id=0&replies=4&sort=top")).await.ok();
    assert_eq!(ids(&all["items"][0]["replies"]), replies);
    assert_eq!(all["items"][0]["replies"]["next_cursor"], Value::Null);
    assert!(all["items"][0]["replies"]["items"][0]["replies"]["items"][0].get("my_reactions").is_none());

    let flat = site.get("", &format!("{path}?replies=10")).await.ok();
    assert_eq!(ids(&flat), {
        let mut every = [vec![root, lonely], replies.clone(), deeper.clone(), vec![deepest]].concat();
        every.sort_unstable();
        every
    });
    assert_eq!(ids(&flat["items"][2]["replies"]), deeper);
    assert_eq!(ids(&flat["items"][6]["replies"]), [deepest]);
    for without in ["", "?replies=0"] {
        assert!(site.get("", &format!("{path}{without}")).await.ok()["items"][0].get("replies").is_none());
    }
}
