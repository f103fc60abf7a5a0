//! Logs over REST, on the real store.

use crate::site::{code, site_with_post};
use serde_json::{Value, json};

fn seqs(log: &Value) -> Vec<i64> {
    log["items"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_log_says_what_happened_in_order() {
    let (site, ada, post) = site_with_post().await;
    let path = format!("/posts/{post}/comments");
    let first = site.post(&ada, &path, json!({"body": "a"})).await.created();
    let at = format!("/comments/{}", first["id"]);
    site.patch(&ada, &at, json!({"body": "b"})).await.ok();
    let reply = site.post(&ada, &path, json!({"body": "r", "parent_id": first["id"]})).await.created();
    site.delete(&ada, &format!("/comments/{}", reply["id"])).await;
    site.patch(&ada, &format!("/posts/{post}"), json!({"title": "New"})).await.ok();

    let events = format!("/channels/post:{post}/events");
    let log = site.get("", &events).await.ok();
    assert_eq!((&log["seq"], &log["floor"], &log["epoch"]), (&json!(5), &json!(0), &json!(site.epoch())));
    assert_eq!(seqs(&log), [1, 2, 3, 4, 5]);
    let kinds: Vec<&str> = log["items"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    let updated = "comment.updated";
    assert_eq!(kinds, ["comment.created", updated, "comment.created", "comment.deleted", "post.updated"]);
    let event = &log["items"][3];
    assert_eq!(event["channel"], format!("post:{post}"));
    assert!(event["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&event["data"]["comment_count"], &event["data"]["comment"]["deleted"]), (&json!(1), &json!(true)));
    assert_eq!(event["data"]["parent"], json!({"id": first["id"], "reply_count": 1}));
    assert_eq!(event["data"]["comment"].get("my_reactions"), None, "a channel says the same to everyone");

    assert_eq!(seqs(&site.get("", &format!("{events}?since=3")).await.ok()), [4, 5]);
    assert_eq!(seqs(&site.get("", &format!("{events}?since=1&limit=2")).await.ok()), [2, 3]);
    assert_eq!(seqs(&site.get("", &format!("{events}?since=5")).await.ok()), Vec::<i64>::new());
    assert_eq!(site.get("", &format!("{events}?since=9007199254740991")).await.status, 200);
    for bad in ["since=-1", "since=x", "since=", "since=9007199254740992", "limit=0"] {
        assert_eq!(code(&site.get("", &format!("{events}?{bad}")).await), "400 bad_request", "{bad}");
    }
}

#[tokio::test]
async fn a_log_is_for_those_who_may_subscribe() {
    let (site, ada, post) = site_with_post().await;
    let own = site.get(&ada, "/users/me").await.ok()["id"].clone();
    let bob = site.person("bob").await;
    assert_eq!(site.get(&ada, "/channels/me/events").await.status, 200);
    assert_eq!(site.get(&ada, &format!("/channels/user:{own}/events")).await.status, 200);
    assert_eq!(code(&site.get(&bob, &format!("/channels/user:{own}/events")).await), "403 forbidden");
    assert_eq!(code(&site.get("", "/channels/me/events").await), "403 forbidden");
    for missing in ["post:999", "revocations", "room:1", "x"] {
        assert_eq!(code(&site.get(&ada, &format!("/channels/{missing}/events")).await), "404 not_found", "{missing}");
    }
    site.delete(&ada, &format!("/posts/{post}")).await;
    assert_eq!(code(&site.get("", &format!("/channels/post:{post}/events")).await), "404 not_found");
}
