//! Publishing, keys that make retries harmless, and what stands outside the API.

use crate::site::{Answer, Site, code, pointer, site_with_post};
use serde_json::{Value, json};

#[tokio::test]
async fn a_back_end_publishes_with_its_key() {
    let (site, ada, post) = site_with_post().await;
    let key = site.api_key(&["publish"]).await;
    let event = |data: Value| json!({"channel": format!("post:{post}"), "kind": "custom.poll", "data": data});
    assert_eq!(site.post(&key, "/publish", event(json!({"a": 1}))).await.accepted(), json!({"seq": 1}));
    assert_eq!(site.post(&key, "/publish", event(Value::Null)).await.accepted(), json!({"seq": 2}));

    let first = site.post_with_key(&key, "/publish", "k", event(json!("x"))).await.accepted();
    assert_eq!(site.post_with_key(&key, "/publish", "k", event(json!("x"))).await.accepted(), first);
    assert_eq!(code(&site.post_with_key(&key, "/publish", "k", event(json!("y"))).await), "409 conflict");

    let mut to_person = event(json!(1));
    to_person["channel"] = json!("user:1");
    assert_eq!(site.post(&key, "/publish", to_person).await.status, 202);
    for missing in ["post:999", "user:999", "me", "revocations", "room:1", ""] {
        let mut elsewhere = event(json!(1));
        elsewhere["channel"] = json!(missing);
        assert_eq!(code(&site.post(&key, "/publish", elsewhere).await), "404 not_found", "{missing}");
    }
    for kind in ["comment.created", "custom.", "custom.X"] {
        let mut other = event(json!(1));
        other["kind"] = json!(kind);
        assert_eq!(pointer(&site.post(&key, "/publish", other).await), "422 /kind", "{kind}");
    }
    let mut without = event(json!(1));
    without.as_object_mut().unwrap().remove("data");
    assert_eq!(code(&site.post(&key, "/publish", without).await), "400 bad_request");

    assert_eq!(code(&site.post("", "/publish", event(json!(1))).await), "401 unauthenticated");
    assert_eq!(code(&site.post("bk_nonsense", "/publish", event(json!(1))).await), "401 unauthenticated");
    assert_eq!(code(&site.post(&ada, "/publish", event(json!(1))).await), "403 forbidden");
    let other = site.api_key(&["notify", "posts", "users"]).await;
    assert_eq!(code(&site.post(&other, "/publish", event(json!(1))).await), "403 forbidden");
    // A back end is nobody's author.
    assert_eq!(code(&site.post(&key, "/posts", json!({"title": "t", "body": "b"})).await), "403 forbidden");

    site.delete(&ada, &format!("/posts/{post}")).await;
    assert_eq!(code(&site.post(&key, "/publish", event(json!(1))).await), "404 not_found");
}

#[tokio::test]
async fn published_data_is_kept_to_the_byte_within_its_bound() {
    let (site, _, post) = site_with_post().await;
    let key = site.api_key(&["publish"]).await;
    let raw = async |data: &str| -> Answer {
        let body = format!(r#"{{"channel":"post:{post}","kind":"custom.x","data":{data}}}"#);
        site.send(&key, "POST", "/publish", &[], body).await
    };
    let odd = "{ \"b\" : 1.0, \"a\":[ 1e2 ,\"\\u00e9\"], \"b\":2}";
    assert_eq!(raw(odd).await.accepted(), json!({"seq": 1}));
    let log = site.get("", &format!("/channels/post:{post}/events")).await;
    assert!(log.text.contains(&format!("\"data\":{odd}")), "{}", log.text);

    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert_eq!(raw(&text(32_768)).await.status, 202);
    assert_eq!(code(&raw(&text(32_769)).await), "413 too_large");
    for bad in ["\"\\ud800\"", "1e999", &format!("{}{}", "[".repeat(200), "]".repeat(200))] {
        assert_eq!(pointer(&raw(bad).await), "422 /data", "{bad}");
    }
    assert_eq!(code(&raw("nope").await), "400 bad_request");
}

#[tokio::test]
async fn one_key_makes_one_comment() {
    let (site, ada, post) = site_with_post().await;
    let path = format!("/posts/{post}/comments");
    let body = json!({"body": "once"});
    let first = site.post_with_key(&ada, &path, "key-1", body.clone()).await;
    assert_eq!(first.status, 201);
    let again = site.post_with_key(&ada, &path, "key-1", body.clone()).await;
    assert_eq!((again.status, &again.json), (201, &first.json));
    assert_eq!(again.header("location"), first.header("location"));
    let in_body = site.post(&ada, &path, json!({"body": "once", "key": "key-1"})).await;
    assert_eq!(in_body.json["id"], first.json["id"], "header and body are one thing");
    assert_eq!(site.get("", &format!("/posts/{post}")).await.ok()["comment_count"], 1);

    assert_eq!(code(&site.post_with_key(&ada, &path, "key-1", json!({"body": "other"})).await), "409 conflict");
    let reply = json!({"body": "once", "parent_id": first.json["id"]});
    assert_eq!(code(&site.post_with_key(&ada, &path, "key-1", reply).await), "409 conflict");
    let differing = json!({"body": "once", "key": "key-2"});
    assert_eq!(code(&site.post_with_key(&ada, &path, "key-1", differing).await), "400 bad_request");
    for bad in ["a b".to_owned(), "k".repeat(65)] {
        assert_eq!(code(&site.post_with_key(&ada, &path, &bad, body.clone()).await), "422 unprocessable", "{bad}");
    }
    assert_eq!(pointer(&site.post(&ada, &path, json!({"body": "x", "key": ""})).await), "422 /key");
    assert_eq!(site.post_with_key(&ada, &path, &"k".repeat(64), body.clone()).await.status, 201);
    let bob = site.person("bob").await;
    let bobs = site.post_with_key(&bob, &path, "key-1", body.clone()).await.created();
    assert_ne!(bobs["id"], first.json["id"], "keys are kept by caller");

    let edited = format!("/comments/{}", first.json["id"]);
    site.patch(&ada, &edited, json!({"body": "changed since"})).await.ok();
    let later = site.post_with_key(&ada, &path, "key-1", body).await;
    assert_eq!((later.status, &later.json["body"]), (201, &json!("changed since")), "the subject as it is now");
}

#[tokio::test]
async fn one_key_makes_one_post() {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    let body = json!({"title": "Once", "body": "b"});
    let first = site.post_with_key(&ada, "/posts", "k", body.clone()).await.created();
    assert_eq!(site.post_with_key(&ada, "/posts", "k", body).await.created(), first);
    assert_eq!(
        code(&site.post_with_key(&ada, "/posts", "k", json!({"title": "T", "body": "b"})).await),
        "409 conflict"
    );
    // Keys are kept by kind of action as well.
    let path = format!("/posts/{}/comments", first["id"]);
    assert_eq!(site.post_with_key(&ada, &path, "k", json!({"body": "b"})).await.status, 201);
}

#[tokio::test]
async fn health_follows_the_parts() {
    let site = Site::open().await;
    assert_eq!(site.at("/health/live").await.status, 200);
    assert_eq!(site.at("/health/ready").await.status, 200);
    assert_eq!(site.at("/health").await.ok(), json!({"status": "ok", "database": "ok", "bus": "ok"}));
    site.state.readiness.draining();
    let ready = site.at("/health/ready").await;
    assert_eq!((ready.status, &ready.json["reason"]), (503, &json!("draining")));
}

#[tokio::test]
async fn the_page_is_served_or_says_how_it_is_built() {
    let site = Site::open().await;
    for path in ["/", "/posts/7"] {
        let answer = site.at(path).await;
        match answer.status {
            200 => assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'")),
            _ => assert!(answer.text.contains("make run"), "{}", answer.text),
        }
    }
    for missing in ["/assets/none.js", "/assets/../index.html", "/assets/%2e%2e/index.html", "/assets/"] {
        assert_eq!(code(&site.at(missing).await), "404 not_found", "{missing}");
    }
}
