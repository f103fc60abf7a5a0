//! Comments over REST, on the real store.

use crate::site::{Site, code, ids, pointer, site_with_post};
use serde_json::{Value, json};

#[tokio::test]
async fn a_comment_has_every_field() {
    let (site, ada, post) = site_with_post().await;
    let answer = site.post(&ada, &format!("/posts/{post}/comments"), json!({"body": "**hi**", "key": "k1"})).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    let comment = answer.json.clone();
    let path = format!("/comments/{}", comment["id"]);
    assert_eq!(answer.header("location"), format!("/api/v1{path}"));
    assert_eq!((&comment["post_id"], &comment["parent_id"]), (&json!(post), &Value::Null));
    assert_eq!((&comment["root_id"], &comment["depth"]), (&comment["id"], &json!(0)));
    assert_eq!(comment["author"]["handle"], "ada");
    assert_eq!(comment["author"].as_object().unwrap().len(), 4);
    assert_eq!((&comment["body"], &comment["html"]), (&json!("**hi**"), &json!("<p><strong>hi</strong></p>\n")));
    assert_eq!((&comment["edited_at"], &comment["deleted"]), (&Value::Null, &json!(false)));
    assert_eq!(
        (&comment["reactions"], &comment["reply_count"], &comment["key"]),
        (&json!({}), &json!(0), &json!("k1"))
    );
    assert_eq!((&comment["seq"], &comment["updated_seq"]), (&json!(1), &json!(1)));
    assert_eq!(comment["my_reactions"], json!([]));

    assert_eq!(site.get(&ada, &path).await.ok(), comment);
    let mut anonymous = comment.clone();
    anonymous.as_object_mut().unwrap().remove("my_reactions");
    assert_eq!(site.get("", &path).await.ok(), anonymous, "nobody's reactions are told to nobody");
    assert_eq!(site.get("", &format!("/posts/{post}")).await.ok()["comment_count"], 1);
    for missing in ["/comments/999", "/comments/x", "/comments/0", "/posts/999/comments"] {
        assert_eq!(code(&site.get("", missing).await), "404 not_found", "{missing}");
    }
}

#[tokio::test]
async fn threads_go_as_deep_as_people_answer() {
    let (site, ada, post) = site_with_post().await;
    let path = format!("/posts/{post}/comments");
    let root = site.post(&ada, &path, json!({"body": "root"})).await.created();
    let mut parent = root["id"].clone();
    for depth in 1..=40 {
        let reply = site.post(&ada, &path, json!({"body": "reply", "parent_id": parent})).await.created();
        assert_eq!((&reply["depth"], &reply["root_id"]), (&json!(depth), &root["id"]));
        assert_eq!(reply["parent_id"], parent);
        parent = reply["id"].clone();
    }
    site.post(&ada, &path, json!({"body": "second reply", "parent_id": root["id"]})).await.created();
    assert_eq!(site.get("", &format!("/comments/{}", root["id"])).await.ok()["reply_count"], 2);
    assert_eq!(site.get("", &format!("/comments/{parent}")).await.ok()["reply_count"], 0);
    assert_eq!(site.get("", &format!("/posts/{post}")).await.ok()["comment_count"], 42);
}

#[tokio::test]
async fn a_reply_needs_a_parent_on_the_same_post() {
    let (site, ada, post) = site_with_post().await;
    let other = site.post(&ada, "/posts", json!({"title": "Other", "body": "b"})).await.created()["id"].clone();
    let elsewhere = site.post(&ada, &format!("/posts/{other}/comments"), json!({"body": "x"})).await.created();
    let path = format!("/posts/{post}/comments");
    let reply = async |parent: Value| site.post(&ada, &path, json!({"body": "y", "parent_id": parent})).await;
    assert_eq!(pointer(&reply(elsewhere["id"].clone()).await), "422 /parent_id");
    assert_eq!(pointer(&reply(json!(999)).await), "422 /parent_id");
    for bad in [json!(0), json!(-1), json!("1"), json!(1.5)] {
        assert_eq!(code(&reply(bad.clone()).await), "400 bad_request", "{bad}");
    }
    let parent = reply(Value::Null).await.created()["id"].clone();
    site.delete(&ada, &format!("/comments/{parent}")).await;
    assert_eq!(code(&reply(parent).await), "409 conflict");
    assert_eq!(code(&site.post(&ada, "/posts/999/comments", json!({"body": "x"})).await), "404 not_found");
}

#[tokio::test]
async fn comments_are_listed_oldest_newest_and_below_a_parent() {
    let (site, ada, post) = site_with_post().await;
    let path = format!("/posts/{post}/comments");
    let mut all = Vec::new();
    let (mut roots, mut replies) = (Vec::new(), Vec::new());
    for n in 0..9 {
        let parent = if n % 3 == 0 { Value::Null } else { json!(roots[0]) };
        let written = site.post(&ada, &path, json!({"body": format!("{n}"), "parent_id": parent})).await.created();
        let id = written["id"].as_i64().unwrap();
        if n % 3 == 0 {
            roots.push(id)
        } else {
            replies.push(id)
        }
        all.push(id);
    }
    let newest: Vec<i64> = all.iter().rev().copied().collect();
    let walk = async |query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = site.get("", &format!("{path}?limit=2&{query}{cursor}")).await.ok();
            assert_eq!((&page["epoch"], &page["seq"]), (&json!(site.epoch()), &json!(9)));
            seen.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    assert_eq!(walk("").await, all);
    assert_eq!(walk("sort=oldest").await, all);
    assert_eq!(walk("sort=newest").await, newest);
    assert_eq!(walk("parent_id=0").await, roots);
    assert_eq!(walk(&format!("parent_id={}", roots[0])).await, replies);
    assert_eq!(walk(&format!("parent_id={}", roots[1])).await, Vec::<i64>::new());
    replies.reverse();
    assert_eq!(walk(&format!("parent_id={}&sort=newest", roots[0])).await, replies);

    let cursor = site.get("", &format!("{path}?limit=2")).await.ok()["next_cursor"].as_str().unwrap().to_owned();
    for foreign in [
        format!("sort=newest&cursor={cursor}"),
        format!("parent_id=0&cursor={cursor}"),
        "cursor=zzz".into(),
        "sort=best".into(),
        format!("sort=top&cursor={cursor}"),
        "sort=".into(),
        "limit=0".into(),
        "limit=1.5".into(),
        "parent_id=x".into(),
        "parent_id=-1".into(),
        "replies=11".into(),
        "replies=x".into(),
        "replies=".into(),
    ] {
        assert_eq!(code(&site.get("", &format!("{path}?{foreign}")).await), "400 bad_request", "{foreign}");
    }
    assert_eq!(ids(&site.get("", &format!("{path}?limit=1000&replies=0")).await.ok()), all);
}

#[tokio::test]
async fn a_comment_holds_its_bounds_at_the_edge() {
    let (site, ada, post) = site_with_post().await;
    let path = format!("/posts/{post}/comments");
    let comment = async |body: &str| site.post(&ada, &path, json!({"body": body})).await;
    assert_eq!(comment(&"👍".repeat(10_000)).await.status, 201);
    assert_eq!(pointer(&comment(&"a".repeat(10_001)).await), "422 /body");
    for blank in ["", "\t\n ", "\u{200b}\u{feff}", "a\0"] {
        assert_eq!(pointer(&comment(blank).await), "422 /body", "{blank:?}");
    }
    // Cells are what grows most: rows are filled up to the width of their heading.
    let table = |rows: usize| format!("|a|b|c|\n|-|-|-|\n{}", "|d\n".repeat(rows));
    assert_eq!(code(&comment(&table(1_000)).await), "201");
    assert_eq!(code(&comment(&table(3_000)).await), "413 too_large");
}

#[tokio::test]
async fn a_comment_is_edited_by_its_author_alone() {
    let (site, ada, post) = site_with_post().await;
    let comment = site.post(&ada, &format!("/posts/{post}/comments"), json!({"body": "a"})).await.created();
    let path = format!("/comments/{}", comment["id"]);
    let edited = site.patch(&ada, &path, json!({"body": "*b*"})).await.ok();
    assert_eq!((&edited["body"], &edited["html"]), (&json!("*b*"), &json!("<p><em>b</em></p>\n")));
    assert_eq!((&edited["seq"], &edited["updated_seq"]), (&json!(1), &json!(2)));
    assert!(edited["edited_at"].is_string());
    assert_eq!(site.patch(&ada, &path, json!({"body": "*b*"})).await.ok()["updated_seq"], 2, "the same text again");

    let (bob, moderator) = (site.person("bob").await, site.moderator("mod").await);
    for caller in [&bob, &moderator] {
        assert_eq!(code(&site.patch(caller, &path, json!({"body": "c"})).await), "403 forbidden");
    }
    assert_eq!(code(&site.patch("", &path, json!({"body": "c"})).await), "401 unauthenticated");
    assert_eq!(pointer(&site.patch(&ada, &path, json!({"body": " "})).await), "422 /body");
    assert_eq!(pointer(&site.patch(&ada, &path, json!({"body": "x".repeat(10_001)})).await), "422 /body");
    assert_eq!(code(&site.patch(&ada, &path, json!({})).await), "400 bad_request");
    assert_eq!(code(&site.patch(&ada, "/comments/999", json!({"body": "c"})).await), "404 not_found");
}

#[tokio::test]
async fn a_deleted_comment_keeps_its_place_and_nothing_else() {
    let (site, ada, post) = site_with_post().await;
    let path = format!("/posts/{post}/comments");
    let parent = site.post(&ada, &path, json!({"body": "secret"})).await.created();
    site.post(&ada, &path, json!({"body": "reply", "parent_id": parent["id"]})).await.created();
    let at = format!("/comments/{}", parent["id"]);
    let bob = site.person("bob").await;
    assert_eq!(code(&site.delete(&bob, &at).await), "403 forbidden");
    assert_eq!(code(&site.delete("", &at).await), "401 unauthenticated");
    assert_eq!(site.delete(&ada, &at).await.status, 204);
    assert_eq!(site.delete(&ada, &at).await.status, 204, "again");

    let tombstone = site.get("", &at).await.ok();
    assert_eq!((&tombstone["deleted"], &tombstone["author"]), (&json!(true), &Value::Null));
    assert_eq!((&tombstone["body"], &tombstone["html"]), (&json!(""), &json!("")));
    assert_eq!((&tombstone["reply_count"], &tombstone["updated_seq"]), (&json!(1), &json!(3)));
    let list = site.get("", &path).await.ok();
    assert_eq!(list["items"][0], {
        let mut without_epoch = tombstone.clone();
        without_epoch.as_object_mut().unwrap().remove("epoch");
        without_epoch
    });
    assert_eq!(site.get("", &format!("/posts/{post}")).await.ok()["comment_count"], 1);
    assert_eq!(code(&site.patch(&ada, &at, json!({"body": "back"})).await), "409 conflict");

    let bobs = site.post(&bob, &path, json!({"body": "rude"})).await.created();
    let moderator = site.moderator("mod").await;
    assert_eq!(site.delete(&moderator, &format!("/comments/{}", bobs["id"])).await.status, 204);
    assert_eq!(code(&site.delete(&ada, "/comments/999").await), "404 not_found");
}

#[tokio::test]
async fn comments_are_limited_by_person_and_address() {
    let site =
        Site::with(&["--rate-limits", "on", "--sign-ups-per-address", "50", "--sign-ins-per-address", "50"]).await;
    let ada = site.person("ada").await;
    let post = site.post(&ada, "/posts", json!({"title": "t", "body": "b"})).await.created()["id"].clone();
    let path = format!("/posts/{post}/comments");
    for n in 0..10 {
        assert_eq!(site.post(&ada, &path, json!({"body": format!("{n}")})).await.status, 201, "{n}");
    }
    let refused = site.post(&ada, &path, json!({"body": "11"})).await;
    assert_eq!(code(&refused), "429 rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    let bob = site.person("bob").await;
    assert_eq!(site.post(&bob, &path, json!({"body": "mine"})).await.status, 201, "others go on");
    assert_eq!(site.get(&ada, &path).await.status, 200, "and so does reading");
}

#[tokio::test]
async fn what_people_write_cannot_run() {
    let (site, ada, post) = site_with_post().await;
    let path = format!("/posts/{post}/comments");
    for body in ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))"] {
        let comment = site.post(&ada, &path, json!({"body": body})).await.created();
        let html = comment["html"].as_str().unwrap();
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("href"), "{html}");
        assert_eq!(comment["body"], body, "kept as written");
    }
}
