//! The inbox over REST.

use crate::site::{Site, code, ids, pointer, site_with_post};
use serde_json::{Value, json};

/// Ada has a post, Bob may write below it.
async fn ada_and_bob() -> (Site, String, String, i64) {
    let (site, ada, post) = site_with_post().await;
    let bob = site.person("bob").await;
    (site, ada, bob, post)
}

async fn comment(site: &Site, token: &str, post: i64, body: &str) -> Value {
    site.post(token, &format!("/posts/{post}/comments"), json!({"body": body})).await.created()
}

#[tokio::test]
async fn a_comment_a_reply_and_a_mention_reach_the_inbox() {
    let (site, ada, bob, post) = ada_and_bob().await;
    let first = comment(&site, &bob, post, "Moin *Ada*!").await;
    let reply = json!({"body": "hello @bob and @bob, not `@eve` nor @nobody", "parent_id": first["id"]});
    let reply = site.post(&ada, &format!("/posts/{post}/comments"), reply).await.created();
    assert!(reply["html"].as_str().unwrap().contains("@bob and @bob"), "shown as written");

    let inbox = site.get(&ada, "/notifications").await.ok();
    assert_eq!((&inbox["unread"], &inbox["seq"], &inbox["epoch"]), (&json!(1), &json!(1), &json!(site.epoch())));
    assert_eq!(inbox["next_cursor"], Value::Null);
    let item = &inbox["items"][0];
    let url = format!("/posts/{post}#comment-{}", first["id"]);
    assert_eq!(
        item,
        &json!({
            "id": item["id"], "kind": "comment", "title": "First", "body": "Moin Ada!", "url": url, "post_id": post,
            "comment_id": first["id"], "actors": [first["author"]], "count": 1, "created_at": first["created_at"],
            "updated_at": first["created_at"], "read_at": null, "seq": 1,
        })
    );
    let bobs = site.get(&bob, "/notifications").await.ok();
    assert_eq!((&bobs["items"][0]["kind"], bobs["items"].as_array().unwrap().len()), (&json!("mention"), 1));

    let log = site.get(&ada, "/channels/me/events").await.ok();
    assert_eq!(
        (&log["items"][0]["kind"], &log["items"][0]["data"]["notification"]),
        (&json!("notification.created"), item)
    );
    assert_eq!(code(&site.get("", "/notifications").await), "401 unauthenticated");
    let key = site.api_key(&["notify"]).await;
    assert_eq!(code(&site.get(&key, "/notifications").await), "403 forbidden");
}

#[tokio::test]
async fn a_list_is_walked_by_its_cursor_and_none_other() {
    let (site, ada, bob, post) = ada_and_bob().await;
    for n in 0..5 {
        comment(&site, &bob, post, &n.to_string()).await;
    }
    let all = ids(&site.get(&ada, "/notifications").await.ok());
    assert_eq!(all.len(), 5);
    site.post(&ada, "/notifications/read", json!({"ids": [all[1]]})).await.ok();
    let walk = async |query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = site.get(&ada, &format!("/notifications?limit=2&{query}{cursor}")).await.ok();
            assert_eq!((&page["unread"], &page["seq"]), (&json!(4), &json!(6)));
            seen.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    assert_eq!(walk("").await, all);
    assert_eq!(walk("unread=false").await, all);
    assert_eq!(walk("unread=true").await, [all[0], all[2], all[3], all[4]]);
    let cursor = site.get(&ada, "/notifications?limit=2").await.ok()["next_cursor"].as_str().unwrap().to_owned();
    for bad in [format!("unread=true&cursor={cursor}"), "cursor=x".into(), "limit=0".into(), "unread=yes".into()] {
        assert_eq!(code(&site.get(&ada, &format!("/notifications?{bad}")).await), "400 bad_request", "{bad}");
    }
    let foreign = site.get(&bob, &format!("/notifications?cursor={cursor}")).await;
    assert_eq!(code(&foreign), "400 bad_request");
}

#[tokio::test]
async fn reading_says_what_is_left() {
    let (site, ada, bob, post) = ada_and_bob().await;
    for n in 0..3 {
        comment(&site, &bob, post, &n.to_string()).await;
    }
    let all = ids(&site.get(&ada, "/notifications").await.ok());
    let read = async |body: Value| site.post(&ada, "/notifications/read", body).await;
    assert_eq!(read(json!({"ids": [all[0], 999_999]})).await.ok(), json!({"unread": 2, "seq": 4}));
    assert_eq!(read(json!({"ids": [all[0]]})).await.ok(), json!({"unread": 2, "seq": 4}));
    assert_eq!(read(json!({"all": true})).await.ok(), json!({"unread": 0, "seq": 5}));
    assert_eq!(read(json!({"all": true, "ids": null})).await.ok(), json!({"unread": 0, "seq": 5}));
    let list = site.get(&ada, "/notifications").await.ok();
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["read_at"].is_string()), "{list}");

    for bad in
        [json!({}), json!({"all": false}), json!({"ids": [1], "all": true}), json!({"ids": [0]}), json!({"ids": 1})]
    {
        assert_eq!(code(&read(bad.clone()).await), "400 bad_request", "{bad}");
    }
    let many = |count: i64| json!({"ids": (1..=count).collect::<Vec<_>>()});
    assert_eq!(read(many(1_000)).await.ok(), json!({"unread": 0, "seq": 5}));
    assert_eq!(pointer(&read(many(1_001)).await), "422 /ids");
    assert_eq!(pointer(&read(many(0)).await), "422 /ids");
    assert_eq!(code(&site.post("", "/notifications/read", json!({"all": true})).await), "401 unauthenticated");
}

#[tokio::test]
async fn dismissing_takes_one_away_for_good() {
    let (site, ada, bob, post) = ada_and_bob().await;
    comment(&site, &bob, post, "one").await;
    let id = ids(&site.get(&ada, "/notifications").await.ok())[0];
    let path = format!("/notifications/{id}");
    assert_eq!(code(&site.delete(&bob, &path).await), "404 not_found");
    assert_eq!(code(&site.delete("", &path).await), "401 unauthenticated");
    assert_eq!(site.delete(&ada, &path).await.status, 204);
    assert_eq!(site.delete(&ada, &path).await.status, 204, "again");
    let inbox = site.get(&ada, "/notifications").await.ok();
    assert_eq!((&inbox["items"], &inbox["unread"], &inbox["seq"]), (&json!([]), &json!(0), &json!(2)));
    for unknown in ["/notifications/999999", "/notifications/x", "/notifications/0"] {
        assert_eq!(code(&site.delete(&ada, unknown).await), "404 not_found", "{unknown}");
    }
}

#[tokio::test]
async fn mentions_hold_their_bound_at_the_edge() {
    let (site, ada, _, post) = ada_and_bob().await;
    let path = format!("/posts/{post}/comments");
    let text = |people: usize| (0..people).map(|n| format!("@p{n} ")).collect::<String>();
    let last = site.post(&ada, &path, json!({"body": text(20)})).await.created();
    assert_eq!(pointer(&site.post(&ada, &path, json!({"body": text(21)})).await), "422 /body");
    let edit = format!("/comments/{}", last["id"]);
    assert_eq!(pointer(&site.patch(&ada, &edit, json!({"body": text(21)})).await), "422 /body");
    assert_eq!(site.post(&ada, &path, json!({"body": format!("`{}`", text(21))})).await.status, 201);

    let none = Site::with(&["--rate-limits", "off", "--max-mentions", "0"]).await;
    let ada = none.person("ada").await;
    let post = none.post(&ada, "/posts", json!({"title": "t", "body": "@ada"})).await.created()["id"].clone();
    let path = format!("/posts/{post}/comments");
    assert_eq!(pointer(&none.post(&ada, &path, json!({"body": "@ada"})).await), "422 /body");
    assert_eq!(none.post(&ada, &path, json!({"body": "ada"})).await.status, 201);
}

#[tokio::test]
async fn reactions_to_ones_comment_are_one_row_that_counts_people() {
    let (site, ada, bob, post) = ada_and_bob().await;
    let comment = comment(&site, &ada, post, "hello").await;
    let path = format!("/comments/{}/reactions/%F0%9F%91%8D", comment["id"]);
    let put = async |token: &str| site.send(token, "PUT", &path, &[], String::new()).await.ok();
    put(&ada).await;
    put(&bob).await;
    put(&site.person("eve").await).await;
    let inbox = site.get(&ada, "/notifications").await.ok();
    let item = &inbox["items"][0];
    assert_eq!((&inbox["unread"], &item["kind"], &item["count"]), (&json!(1), &json!("reaction"), &json!(2)));
    let handles: Vec<_> = item["actors"].as_array().unwrap().iter().map(|actor| &actor["handle"]).collect();
    assert_eq!(handles, ["eve", "bob"]);
    assert_eq!((&item["comment_id"], &item["body"]), (&comment["id"], &json!("hello")));
    site.delete(&bob, &path).await.ok();
    assert_eq!(site.get(&ada, "/notifications").await.ok()["items"][0]["count"], 1);
}
