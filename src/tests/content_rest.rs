//! Posts, comments and publishing over REST, on the real store.

use crate::site::{Answer, Site, code, pointer};
use serde_json::{Value, json};

async fn site_with_post() -> (Site, String, i64) {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    let post = site.post(&ada, "/posts", json!({"title": "First", "body": "Hello *world*"})).await.created();
    let id = post["id"].as_i64().unwrap();
    (site, ada, id)
}

fn ids(list: &Value) -> Vec<i64> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

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
    for bad in ["limit=0", "limit=-1", "limit=x", "cursor=x", "cursor=", "q=a", "tag=a", "page_keys=a"] {
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
        "sort=top".into(),
        "sort=".into(),
        "limit=0".into(),
        "limit=1.5".into(),
        "parent_id=x".into(),
        "parent_id=-1".into(),
        "replies=3".into(),
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
    // Ten thousand empty headings would be over the bound of what is rendered.
    assert_eq!(code(&comment(&"#\n\n".repeat(3_333)).await).as_str(), "201", "below the bound");
    assert_eq!(code(&comment(&"*a*\n\n".repeat(2_000)).await).as_str(), "201");
    assert_eq!(code(&comment(&"[a](http://a.b) ".repeat(625)).await).as_str(), "201");
    assert_eq!(code(&comment(&"-\n".repeat(5_000)).await).as_str(), "201");
    assert_eq!(code(&comment(&"|a|b|\n|-|-|\n".repeat(700)).await).as_str(), "201");
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
    assert_eq!(site.event_data(post, 1).await, odd);

    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert_eq!(raw(&text(32_768)).await.status, 202);
    assert_eq!(code(&raw(&text(32_769)).await), "413 too_large");
    for bad in ["\"\\ud800\"", "1e999", &format!("{}{}", "[".repeat(200), "]".repeat(200))] {
        assert_eq!(pointer(&raw(bad).await), "422 /data", "{bad}");
    }
    assert_eq!(code(&raw("nope").await), "400 bad_request");
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

#[tokio::test]
async fn health_follows_the_parts() {
    let site = Site::open().await;
    assert_eq!(site.at("/health/live").await.status, 200);
    let ready = site.at("/health/ready").await;
    assert_eq!((ready.status, &ready.json["reason"]), (503, &json!("starting")));
    site.state.readiness.started();
    site.state.readiness.swept();
    assert_eq!(site.at("/health/ready").await.status, 200);
    assert_eq!(site.at("/health").await.ok(), json!({"status": "ok", "database": "ok", "bus": "ok"}));
    site.state.readiness.database(belfry::domain::readiness::Part::Down);
    assert_eq!(site.at("/health").await.status, 503);
    site.state.readiness.draining();
    assert_eq!(site.at("/health/ready").await.status, 503);
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
    assert_eq!(code(&site.at("/assets/none.js").await), "404 not_found");
}
