//! Tags, search and people of posts over REST, on the real store.

use crate::site::{Site, code, ids, pointer, site_with_post};
use serde_json::{Value, json};

async fn write(site: &Site, who: &str, title: &str, tags: Value) -> i64 {
    let post = site.post(who, "/posts", json!({"title": title, "body": "text", "tags": tags})).await.created();
    post["id"].as_i64().unwrap()
}

#[tokio::test]
async fn a_post_has_tags_in_one_form() {
    let (site, ada, plain) = site_with_post().await;
    let body = json!({"title": "t", "body": "b", "tags": ["Rust", "#rust", " web  sockets "]});
    let post = site.post_with_key(&ada, "/posts", "k", body.clone()).await.created();
    assert_eq!(post["tags"], json!(["rust", "web sockets"]));
    let path = format!("/posts/{}", post["id"]);
    assert_eq!(site.get("", &path).await.ok()["tags"], post["tags"]);
    assert_eq!(site.post_with_key(&ada, "/posts", "k", body).await.created()["id"], post["id"]);
    let other = json!({"title": "t", "body": "b", "tags": ["go"]});
    assert_eq!(code(&site.post_with_key(&ada, "/posts", "k", other).await), "409 conflict");

    let changed = site.patch(&ada, &path, json!({"tags": ["Go"]})).await.ok();
    assert_eq!((&changed["tags"], &changed["title"], &changed["seq"]), (&json!(["go"]), &json!("t"), &json!(1)));
    assert_eq!(site.patch(&ada, &path, json!({"tags": ["go"]})).await.ok()["seq"], 1, "the same again");
    assert_eq!(site.patch(&ada, &path, json!({"tags": []})).await.ok()["tags"], json!([]));
    assert_eq!(site.patch(&ada, &path, json!({"title": "u"})).await.ok()["tags"], json!([]));
    assert_eq!(site.get("", &format!("/posts/{plain}")).await.ok()["tags"], json!([]));

    let many = |number: usize| (0..number).map(|n| n.to_string()).collect::<Vec<_>>();
    let tagged = async |tags: Value| site.patch(&ada, &path, json!({ "tags": tags })).await;
    assert_eq!(tagged(json!(many(10))).await.status, 200);
    assert_eq!(pointer(&tagged(json!(many(11))).await), "422 /tags");
    assert_eq!(tagged(json!(["x".repeat(30)])).await.status, 200);
    assert_eq!(pointer(&tagged(json!(["x".repeat(31)])).await), "422 /tags/0");
    assert_eq!(pointer(&tagged(json!(["a", " "])).await), "422 /tags/1");
    assert_eq!(code(&tagged(json!("rust")).await), "400 bad_request");
    assert_eq!(code(&tagged(json!([1])).await), "400 bad_request");
    let refused = site.post(&ada, "/posts", json!({"title": "t", "body": "b", "tags": [""]})).await;
    assert_eq!(pointer(&refused), "422 /tags/0");
}

#[tokio::test]
async fn posts_are_listed_by_tag_and_searched_by_words() {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    let mut all = Vec::new();
    for n in 0..5 {
        let tags = if n % 2 == 0 { json!(["even"]) } else { json!(["odd"]) };
        all.push(write(&site, &ada, &format!("Number {n} of the Große Zahlen"), tags).await);
    }
    let walk = async |query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = site.get("", &format!("/posts?limit=2&{query}{cursor}")).await.ok();
            seen.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    let newest: Vec<i64> = all.iter().rev().copied().collect();
    assert_eq!(walk("tag=even").await, [all[4], all[2], all[0]]);
    assert_eq!(walk("tag=%23Odd").await, [all[3], all[1]]);
    assert_eq!(walk("tag=none").await, Vec::<i64>::new());
    assert_eq!(walk("q=NUMBER+gro%C3%9Fe").await, newest);
    assert_eq!(walk("q=zahlen+3").await, [all[3]]);
    assert_eq!(walk("q=text").await, newest, "the body, too");
    assert_eq!(walk("q=number&tag=odd").await, [all[3], all[1]]);
    for nothing in ["q=num", "q=!!!", "q=%00", "q=zahlen+7"] {
        assert_eq!(walk(nothing).await, Vec::<i64>::new(), "{nothing}");
    }
    for everything in ["q=", "q=+", "tag=", "q=&tag="] {
        assert_eq!(walk(everything).await, newest, "{everything}");
    }

    let sixteen = (0..16).map(|n| format!("w{n}")).collect::<Vec<_>>().join("+");
    assert_eq!(walk(&format!("q={sixteen}")).await, Vec::<i64>::new());
    let cursor = site.get("", "/posts?limit=1&tag=even").await.ok()["next_cursor"].as_str().unwrap().to_owned();
    for bad in [
        format!("q={sixteen}+more"),
        format!("q={}", "x".repeat(1_001)),
        format!("tag={}", "x".repeat(31)),
        "tag=%00".into(),
        format!("cursor={cursor}"),
        format!("tag=odd&cursor={cursor}"),
        format!("tag=even&q=number&cursor={cursor}"),
        "tag=even&limit=0".into(),
    ] {
        assert_eq!(code(&site.get("", &format!("/posts?{bad}")).await), "400 bad_request", "{bad}");
    }

    site.patch(&ada, &format!("/posts/{}", all[3]), json!({"title": "Renamed"})).await.ok();
    assert_eq!((walk("q=zahlen+3").await, walk("q=renamed").await), (vec![], vec![all[3]]));
    site.delete(&ada, &format!("/posts/{}", all[3])).await;
    assert_eq!((walk("q=renamed").await, walk("tag=odd").await), (vec![], vec![all[1]]));
}

#[tokio::test]
async fn the_people_of_a_post_are_its_author_and_those_who_comment() {
    let (site, ada, post) = site_with_post().await;
    let (bob, eve) = (site.person("bob").await, site.person("eve").await);
    let path = format!("/posts/{post}/people");
    let people = async |query: &str| {
        let list = site.get("", &format!("{path}{query}")).await.ok();
        let items = list["items"].as_array().unwrap().clone();
        items.into_iter().map(|user| user["handle"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(people("").await, ["ada"]);
    let comments = format!("/posts/{post}/comments");
    site.post(&eve, &comments, json!({"body": "x"})).await.created();
    let only = site.post(&bob, &comments, json!({"body": "x"})).await.created();
    assert_eq!(people("").await, ["ada", "bob", "eve"]);
    let first = site.get(&ada, &path).await.ok()["items"][0].clone();
    assert_eq!(first.as_object().unwrap().len(), 4);
    site.patch(&eve, "/users/me", json!({"name": "Ève Große"})).await.ok();
    for (query, expected) in [
        ("?q=B", vec!["bob"]),
        ("?q=%C3%A8VE", vec!["eve"]),
        ("?q=gross", vec!["eve"]),
        ("?q=a", vec!["ada"]),
        ("?q=", vec!["ada", "bob", "eve"]),
        ("?q=%20e%20", vec!["eve"]),
        ("?q=zzz", vec![]),
        ("?q=%25", vec![]),
        ("?limit=2", vec!["ada", "bob"]),
        ("?limit=1000", vec!["ada", "bob", "eve"]),
    ] {
        assert_eq!(people(query).await, expected, "{query}");
    }
    site.delete(&bob, &format!("/comments/{}", only["id"])).await;
    assert_eq!(people("").await, ["ada", "eve"]);
    assert_eq!(code(&site.get("", &format!("{path}?limit=0")).await), "400 bad_request");
    assert_eq!(code(&site.get("", "/posts/999/people").await), "404 not_found");
    site.delete(&ada, &format!("/posts/{post}")).await;
    assert_eq!(code(&site.get("", &path).await), "404 not_found");
}
