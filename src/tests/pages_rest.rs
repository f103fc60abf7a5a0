//! Pages of the host's site over REST, on the real store.

use crate::site::{Answer, Site, code, pointer};
use serde_json::{Value, json};

const BLOG: &str = "https://blog.example";

async fn open(more: &[&str]) -> Site {
    Site::with(&[&["--origins", BLOG], more].concat()).await
}

async fn keep(site: &Site, token: &str, origin: Option<&str>, page: Value) -> Answer {
    let origin: Vec<(&str, &str)> = origin.iter().map(|origin| ("origin", *origin)).collect();
    site.send(token, "PUT", "/posts/by-key", &origin, page.to_string()).await
}

fn page(page_key: &str) -> Value {
    json!({"page_key": page_key, "title": "About us", "url": format!("{BLOG}{page_key}")})
}

#[tokio::test]
async fn any_page_of_an_allowed_origin_makes_its_post_once() {
    let site = open(&[]).await;
    let made = keep(&site, "", Some(BLOG), page("/about")).await.created();
    assert_eq!(
        (&made["page_key"], &made["title"], &made["author"]),
        (&json!("/about"), &json!("About us"), &Value::Null)
    );
    assert_eq!((&made["url"], &made["body"]), (&json!("https://blog.example/about"), &json!("")));
    assert_eq!((&made["epoch"], &made["seq"]), (&json!(site.epoch()), &json!(0)));
    assert_eq!(site.get("", &format!("/posts/{}", made["id"])).await.ok(), made);

    let ada = site.person("ada").await;
    let other = json!({"page_key": "/about", "title": "Mine now", "url": "https://elsewhere.example/"});
    for (token, origin) in [("", Some(BLOG)), (&ada, Some(BLOG)), ("", None), (&ada, None)] {
        let again = keep(&site, token, origin, other.clone()).await;
        assert_eq!(again.ok(), made, "as it is for {token:?} {origin:?}");
    }
    let bare = keep(&site, &ada, Some(BLOG), json!({"page_key": "/bare"})).await.created();
    assert_eq!((&bare["title"], &bare["url"]), (&json!("/bare"), &Value::Null));
    let comment = format!("/posts/{}/comments", made["id"]);
    assert_eq!(site.post(&ada, &comment, json!({"body": "hi"})).await.status, 201);
    assert_eq!(keep(&site, "", Some(BLOG), page("/about")).await.ok()["comment_count"], 1);
}

#[tokio::test]
async fn a_page_is_made_on_its_own_origin_and_from_an_allowed_one_only() {
    let site = open(&[]).await;
    let ada = site.person("ada").await;
    for origin in ["https://evil.example", "null", "http://blog.example", "https://blog.example:444"] {
        assert_eq!(code(&keep(&site, "", Some(origin), page("/a")).await), "403 forbidden", "{origin}");
        let moderator = site.moderator(&format!("mod{}", origin.len())).await;
        assert_eq!(code(&keep(&site, &moderator, Some(origin), page("/a")).await), "403 forbidden", "{origin}");
    }
    for token in ["", &ada] {
        assert_eq!(code(&keep(&site, token, None, page("/a")).await), "403 forbidden", "no origin at all");
    }
    for url in [
        "https://evil.example/a",
        "http://blog.example/a",
        "https://blog.example.evil.example/",
        "https://u@evil.example",
    ] {
        let elsewhere = json!({"page_key": "/a", "url": url});
        assert_eq!(pointer(&keep(&site, &ada, Some(BLOG), elsewhere).await), "422 /url", "{url}");
    }
    assert_eq!(
        keep(&site, "", Some(BLOG), json!({"page_key": "/a", "url": "https://BLOG.example:443/a"})).await.status,
        201
    );
}

#[tokio::test]
async fn only_a_back_end_or_a_moderator_changes_a_page_and_makes_one_without_an_origin() {
    let site = open(&[]).await;
    let (key, moderator) = (site.api_key(&["posts"]).await, site.moderator("mod").await);
    for (token, page_key) in [(&key, "/by-key"), (&moderator, "/by-moderator")] {
        let elsewhere = json!({"page_key": page_key, "title": "One", "url": "https://other.example/x"});
        let made = keep(&site, token, None, elsewhere.clone()).await.created();
        assert_eq!(made["url"], "https://other.example/x");
        assert_eq!(keep(&site, token, None, elsewhere).await.ok()["seq"], 0, "the same says nothing");
        let changed = keep(&site, token, None, json!({"page_key": page_key, "title": "Two"})).await.ok();
        assert_eq!((&changed["title"], &changed["url"], &changed["seq"]), (&json!("Two"), &made["url"], &json!(1)));
        let log = site.get("", &format!("/channels/post:{}/events", made["id"])).await.ok();
        assert_eq!(log["items"][0]["kind"], "post.updated");
        assert_eq!(log["items"][0]["data"]["post"]["title"], "Two");
    }
    let moved = json!({"page_key": "/by-key", "url": format!("{BLOG}/moved")});
    assert_eq!(keep(&site, &moderator, Some(BLOG), moved.clone()).await.ok()["url"], "https://blog.example/moved");

    assert_eq!(code(&keep(&site, &key, Some(BLOG), moved.clone()).await), "403 forbidden", "a key in a page");
    let other = site.api_key(&["publish", "notify", "users"]).await;
    assert_eq!(code(&keep(&site, &other, None, moved.clone()).await), "403 forbidden", "another scope");
    assert_eq!(code(&keep(&site, "bk_nonsense", None, moved).await), "401 unauthenticated");
}

#[tokio::test]
async fn a_page_holds_its_bounds_at_the_edge() {
    let site = open(&[]).await;
    let key = site.api_key(&["posts"]).await;
    let keep = async |page: Value| keep(&site, &key, None, page).await;
    assert_eq!(keep(json!({"page_key": "ü".repeat(255)})).await.status, 201);
    for bad in ["ü".repeat(256), String::new(), " ".into(), "a\nb".into(), "a,b".into(), "a\0".into()] {
        assert_eq!(pointer(&keep(json!({"page_key": bad})).await), "422 /page_key", "{bad:?}");
    }
    let url = |length: usize| format!("https://a.example/{}", "x".repeat(length - "https://a.example/".len()));
    assert_eq!(keep(json!({"page_key": "/u", "url": url(2_000)})).await.status, 201);
    let long = url(2_001);
    for bad in [long.as_str(), "", "/a", "javascript:alert(1)", "data:text/html,x", "ftp://a.example/", "https://"] {
        assert_eq!(pointer(&keep(json!({"page_key": "/v", "url": bad})).await), "422 /url", "{bad:?}");
    }
    assert_eq!(keep(json!({"page_key": "/t", "title": "x".repeat(300)})).await.status, 201);
    for bad in ["x".repeat(301), " ".into(), "a\nb".into()] {
        assert_eq!(pointer(&keep(json!({"page_key": "/w", "title": bad})).await), "422 /title", "{bad:?}");
    }
    assert_eq!(code(&keep(json!({"title": "x"})).await), "400 bad_request");
    assert_eq!(code(&site.get("", "/posts/by-key").await), "405 method_not_allowed");
}

#[tokio::test]
async fn pages_made_from_an_address_are_limited_and_those_that_are_there_are_not() {
    let site = open(&["--rate-limits", "on", "--sign-ups-per-address", "50", "--sign-ins-per-address", "50"]).await;
    for n in 0..20 {
        assert_eq!(keep(&site, "", Some(BLOG), page(&format!("/{n}"))).await.status, 201, "{n}");
    }
    let refused = keep(&site, "", Some(BLOG), page("/20")).await;
    assert_eq!(code(&refused), "429 rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(keep(&site, "", Some(BLOG), page("/19")).await.status, 200);
    let (key, moderator) = (site.api_key(&["posts"]).await, site.moderator("mod").await);
    assert_eq!(keep(&site, &key, None, page("/20")).await.status, 201);
    assert_eq!(keep(&site, &moderator, Some(BLOG), page("/21")).await.status, 201);
}

#[tokio::test]
async fn pages_are_counted_many_at_once() {
    let site = open(&[]).await;
    let (key, ada) = (site.api_key(&["posts"]).await, site.person("ada").await);
    let mut made = Vec::new();
    for page_key in ["/a", "/b", "/ü"] {
        made.push(keep(&site, &key, None, json!({"page_key": page_key})).await.created()["id"].clone());
    }
    site.post(&ada, &format!("/posts/{}/comments", made[1]), json!({"body": "x"})).await.created();
    let counts = async |query: &str| site.get("", &format!("/posts?page_keys={query}")).await;
    let count = |at: usize, page_key: &str, comments: i64| json!({"id": made[at], "page_key": page_key, "comment_count": comments});
    let list = json!({"items": [count(1, "/b", 1), count(2, "/ü", 0), count(0, "/a", 0)], "next_cursor": null});
    assert_eq!(counts("/b,/%C3%BC,/missing,/a,/b").await.ok(), list);
    assert_eq!(counts("%2Fb%2C%2F%C3%BC%2C%2Fa").await.ok(), list, "however it is encoded");
    assert_eq!(counts("").await.ok(), json!({"items": [], "next_cursor": null}));
    assert_eq!(counts("%00,,/x").await.ok()["items"], json!([]));
    let many = |number: usize| (0..number).map(|n| format!("/p{n}")).collect::<Vec<_>>().join(",");
    assert_eq!(counts(&many(100)).await.status, 200);
    assert_eq!(pointer(&counts(&many(101)).await), "422 /page_keys");
    for other in ["tag=x", "q=x", "cursor=x"] {
        assert_eq!(code(&counts(&format!("/a&{other}")).await), "400 bad_request", "{other}");
    }
}
