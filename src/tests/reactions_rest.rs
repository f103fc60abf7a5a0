//! Reactions over REST, on the real store.

use crate::site::{Answer, Site, code, pointer, site_with_post};
use serde_json::{Value, json};

const THUMB: &str = "%F0%9F%91%8D";
const HEART: &str = "%E2%9D%A4%EF%B8%8F";
/// Without the selector that asks for its picture.
const PLAIN_HEART: &str = "%E2%9D%A4";

async fn comment(site: &Site, by: &str, post: i64) -> i64 {
    let written = site.post(by, &format!("/posts/{post}/comments"), json!({"body": "hi"})).await.created();
    written["id"].as_i64().unwrap()
}

async fn put(site: &Site, who: &str, comment: i64, emoji: &str) -> Answer {
    site.send(who, "PUT", &format!("/comments/{comment}/reactions/{emoji}"), &[], String::new()).await
}

async fn take_back(site: &Site, who: &str, comment: i64, emoji: &str) -> Answer {
    site.delete(who, &format!("/comments/{comment}/reactions/{emoji}")).await
}

#[tokio::test]
async fn a_reaction_is_put_and_taken_back() {
    let (site, ada, post) = site_with_post().await;
    let bob = site.person("bob").await;
    let comment = comment(&site, &ada, post).await;
    let answer = |reactions: Value, mine: Value, seq: i64| json!({"reactions": reactions, "my_reactions": mine, "seq": seq, "epoch": site.epoch()});
    assert_eq!(put(&site, &ada, comment, THUMB).await.ok(), answer(json!({"👍": 1}), json!(["👍"]), 2));
    assert_eq!(put(&site, &ada, comment, THUMB).await.ok(), answer(json!({"👍": 1}), json!(["👍"]), 2), "again");
    assert_eq!(
        put(&site, &bob, comment, HEART).await.ok(),
        answer(json!({"👍": 1, "❤\u{fe0f}": 1}), json!(["❤\u{fe0f}"]), 3)
    );
    let both = answer(json!({"👍": 1, "❤\u{fe0f}": 2}), json!(["❤\u{fe0f}", "👍"]), 4);
    assert_eq!(put(&site, &ada, comment, PLAIN_HEART).await.ok(), both, "one emoji however it is written");
    let left = answer(json!({"👍": 1, "❤\u{fe0f}": 1}), json!(["👍"]), 5);
    assert_eq!(take_back(&site, &ada, comment, PLAIN_HEART).await.ok(), left);
    assert_eq!(take_back(&site, &ada, comment, HEART).await.ok(), left, "again");

    let path = format!("/comments/{comment}");
    for (reader, mine) in [(&ada, json!(["👍"])), (&bob, json!(["❤\u{fe0f}"])), (&String::new(), Value::Null)] {
        let list = site.get(reader, &format!("/posts/{post}/comments")).await.ok();
        for seen in [site.get(reader, &path).await.ok(), list["items"][0].clone()] {
            assert_eq!(seen["reactions"], json!({"👍": 1, "❤\u{fe0f}": 1}));
            assert_eq!((&seen["my_reactions"], &seen["updated_seq"]), (&mine, &json!(5)));
        }
    }
    let edited = site.patch(&ada, &path, json!({"body": "edited"})).await.ok();
    assert_eq!((&edited["my_reactions"], edited["reactions"].as_object().unwrap().len()), (&json!(["👍"]), 2));
}

#[tokio::test]
async fn only_one_emoji_by_somebody_who_is_signed_in_is_a_reaction() {
    let (site, ada, post) = site_with_post().await;
    let comment = comment(&site, &ada, post).await;
    for bad in ["a", "1", "thumbsup", "%F0%9F%91%8D%F0%9F%91%8D", "%20", "%E2%9D%A4%EF%B8%8E", &"x".repeat(500)] {
        assert_eq!(pointer(&put(&site, &ada, comment, bad).await), "422 /emoji", "{bad}");
        assert_eq!(pointer(&take_back(&site, &ada, comment, bad).await), "422 /emoji", "{bad}");
    }
    assert_eq!(code(&put(&site, "", comment, THUMB).await), "401 unauthenticated");
    assert_eq!(code(&take_back(&site, "", comment, THUMB).await), "401 unauthenticated");
    assert_eq!(code(&put(&site, &ada, 999, THUMB).await), "404 not_found");
    assert_eq!(code(&take_back(&site, &ada, 999, THUMB).await), "404 not_found");
    assert_eq!(code(&put(&site, &ada, 0, THUMB).await), "404 not_found");
    assert_eq!(code(&put(&site, &ada, comment, "%FF").await), "404 not_found", "no text, so no path");
    assert_eq!(
        code(&site.get(&ada, &format!("/comments/{comment}/reactions/{THUMB}")).await),
        "405 method_not_allowed"
    );
}

#[tokio::test]
async fn a_tombstone_shows_no_reactions_and_takes_none() {
    let (site, ada, post) = site_with_post().await;
    let comment = comment(&site, &ada, post).await;
    put(&site, &ada, comment, THUMB).await.ok();
    site.delete(&ada, &format!("/comments/{comment}")).await;
    let tombstone = site.get(&ada, &format!("/comments/{comment}")).await.ok();
    assert_eq!((&tombstone["reactions"], &tombstone["my_reactions"]), (&json!({}), &json!([])));
    assert_eq!(code(&put(&site, &ada, comment, THUMB).await), "409 conflict");
    assert_eq!(code(&take_back(&site, &ada, comment, THUMB).await), "409 conflict");
}

#[tokio::test]
async fn a_comment_takes_twenty_different_emoji_and_no_more() {
    let (site, ada, post) = site_with_post().await;
    let comment = comment(&site, &ada, post).await;
    // 🐀 and those behind it.
    let emoji = |n: u8| format!("%F0%9F%90%{:02X}", 0x80 + n);
    for n in 0..20 {
        assert_eq!(put(&site, &ada, comment, &emoji(n)).await.status, 200, "{n}");
    }
    assert_eq!(pointer(&put(&site, &ada, comment, &emoji(20)).await), "422 /emoji");
    let bob = site.person("bob").await;
    assert_eq!(put(&site, &bob, comment, &emoji(7)).await.ok()["reactions"].as_object().unwrap().len(), 20);
    take_back(&site, &ada, comment, &emoji(0)).await.ok();
    assert_eq!(put(&site, &bob, comment, &emoji(20)).await.status, 200);

    let narrow = Site::with(&["--max-emoji", "1"]).await;
    let eve = narrow.person("eve").await;
    let post = narrow.post(&eve, "/posts", json!({"title": "t", "body": "b"})).await.created()["id"].as_i64().unwrap();
    let comment = self::comment(&narrow, &eve, post).await;
    assert_eq!(put(&narrow, &eve, comment, THUMB).await.status, 200);
    assert_eq!(pointer(&put(&narrow, &eve, comment, HEART).await), "422 /emoji");
}
