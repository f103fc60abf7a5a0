//! Posts over REST, on the real store.

use crate::site::{Site, code, ids, pointer, site_with_post};
use serde_json::{Value, json};

#[tokio::test]
async fn a_post_is_written_read_changed_and_deleted() {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    let answer = site.post(&ada, "/posts", json!({"title": "First", "body": "Hello *world*"})).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    let post = answer.json.clone();
    let path = format!("/posts/{}", post["id"]);
    assert_eq!(answer.header("location"), format!("/api/v1{path}"));
    assert_eq!(post["title"], "First");
    assert_eq!(post["body"], "Hello *world*");
    assert_eq!(post["html"], "<p>Hello <em>world</em></p>\n");
    assert_eq!(post["author"]["handle"], "ada");
    assert_eq!((&post["url"], &post["page_key"]), (&Value::Null, &Value::Null));
    assert_eq!((&post["tags"], &post["comment_count"], &post["seq"]), (&json!([]), &json!(0), &json!(0)));
    assert!(post["created_at"].as_str().unwrap().ends_with('Z') && post["updated_at"].is_string());
    assert_eq!(post["epoch"], site.epoch());

    let read = site.get("", &path).await.ok();
    assert_eq!(read, post);

    let changed = site.patch(&ada, &path, json!({"title": "Second"})).await.ok();
    assert_eq!((&changed["title"], &changed["body"], &changed["seq"]), (&json!("Second"), &post["body"], &json!(1)));
    let same = site.patch(&ada, &path, json!({"title": "Second"})).await.ok();
    assert_eq!(same["seq"], 1, "what changes nothing appends nothing");

    let bob = site.person("bob").await;
    assert_eq!(code(&site.patch(&bob, &path, json!({"title": "Mine"})).await), "403 forbidden");
    assert_eq!(code(&site.delete(&bob, &path).await), "403 forbidden");
    let moderator = site.moderator("mod").await;
    assert_eq!(site.patch(&moderator, &path, json!({"body": "calm"})).await.ok()["html"], "<p>calm</p>\n");

    assert_eq!(site.delete(&ada, &path).await.status, 204);
    assert_eq!(site.delete(&ada, &path).await.status, 204, "again");
    assert_eq!(code(&site.get("", &path).await), "404 not_found");
    assert_eq!(code(&site.patch(&ada, &path, json!({"title": "x"})).await), "404 not_found");
    assert_eq!(code(&site.get("", &format!("{path}/comments")).await), "404 not_found");
    assert_eq!(code(&site.delete(&ada, "/posts/999").await), "404 not_found");
}

#[tokio::test]
async fn posts_are_listed_newest_first() {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    let mut written = Vec::new();
    for n in 0..5 {
        let post = site.post(&ada, "/posts", json!({"title": format!("{n}"), "body": "b"})).await.created();
        written.push(post["id"].as_i64().unwrap());
    }
    written.reverse();
    site.delete(&ada, &format!("/posts/{}", written[1])).await;
    written.remove(1);
    assert_eq!(ids(&site.get("", "/posts").await.ok()), written);
    let first = site.get("", "/posts?limit=3").await.ok();
    assert_eq!(ids(&first), written[..3]);
    let next = first["next_cursor"].as_str().unwrap();
    let second = site.get("", &format!("/posts?limit=3&cursor={next}")).await.ok();
    assert_eq!((ids(&second), &second["next_cursor"]), (written[3..].to_vec(), &Value::Null));
    for bad in ["limit=0", "limit=-1", "limit=x", "cursor=x", "cursor="] {
        assert_eq!(code(&site.get("", &format!("/posts?{bad}")).await), "400 bad_request", "{bad}");
    }
    assert_eq!(site.get("", "/posts?limit=101").await.status, 200);
}

#[tokio::test]
async fn a_post_holds_its_bounds_at_the_edge() {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    let post = async |title: &str, body: &str| site.post(&ada, "/posts", json!({"title": title, "body": body})).await;
    assert_eq!(post(&"👍".repeat(300), "b").await.status, 201);
    assert_eq!(pointer(&post(&"t".repeat(301), "b").await), "422 /title");
    assert_eq!(post("t", &"ü".repeat(100_000)).await.status, 201);
    assert_eq!(pointer(&post("t", &"b".repeat(100_001)).await), "422 /body");
    for blank in ["", " \n", "\u{200b}", "\0"] {
        assert_eq!(pointer(&post(blank, "b").await), "422 /title", "{blank:?}");
        assert_eq!(pointer(&post("t", blank).await), "422 /body", "{blank:?}");
    }
    assert_eq!(pointer(&post("a\nb", "b").await), "422 /title");
    for bad in [json!({"title": "t"}), json!({"body": "b"}), json!({"title": 1, "body": "b"}), json!([1])] {
        assert_eq!(code(&site.post(&ada, "/posts", bad.clone()).await), "400 bad_request", "{bad}");
    }
    assert_eq!(site.post(&ada, "/posts", json!({"title": "t", "body": "b", "more": 1})).await.status, 201);
    assert_eq!(code(&site.post("", "/posts", json!({"title": "t", "body": "b"})).await), "401 unauthenticated");
}

#[tokio::test]
async fn a_bad_token_is_told_even_where_none_is_needed() {
    let (site, _, post) = site_with_post().await;
    for path in ["/posts".into(), format!("/posts/{post}"), format!("/posts/{post}/comments")] {
        assert_eq!(code(&site.get("nonsense", &path).await), "401 unauthenticated", "{path}");
    }
}
