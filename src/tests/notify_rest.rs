//! What back ends tell people.

use crate::site::{Answer, Site, code, ids, pointer, site_with_post};
use serde_json::{Value, json};
use std::time::Duration;

fn notice(user_ids: &[i64]) -> Value {
    json!({"user_ids": user_ids, "kind": "order.paid", "title": "Paid"})
}

/// A site with a back end's key, and people whose ids are 1, 2 and so on.
async fn site_with_people(count: usize) -> (Site, String, String) {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    for n in 1..count {
        site.person(&format!("p{n}")).await;
    }
    let key = site.api_key(&["notify"]).await;
    (site, key, ada)
}

fn with(mut notice: Value, field: &str, value: Value) -> Value {
    notice[field] = value;
    notice
}

#[tokio::test]
async fn a_back_end_tells_people_by_either_of_their_names() {
    let (site, key, ada) = site_with_people(2).await;
    let whole = json!({"user_ids": [1, 2, 1, 77], "kind": "order.paid", "title": "Paid", "body": "Thank you",
                       "url": "https://shop.example/1"});
    assert_eq!(site.post(&key, "/notify", whole).await.accepted(), json!({"accepted": 2, "unknown": 1}));
    let item = site.get(&ada, "/notifications").await.ok()["items"][0].clone();
    assert_eq!(
        (&item["kind"], &item["title"], &item["body"]),
        (&json!("order.paid"), &json!("Paid"), &json!("Thank you"))
    );
    assert_eq!(
        (&item["url"], &item["count"], &item["actors"]),
        (&json!("https://shop.example/1"), &json!(1), &json!([]))
    );

    let users = site.api_key(&["users"]).await;
    let carol = json!({"external_id": "c-7", "name": "Carol"});
    let made = site.send(&users, "PUT", "/users/by-external-id", &[], carol.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let by_name = json!({"external_ids": ["c-7", "c-8", "c-7", "a\0b"], "kind": "x", "title": "Hello"});
    assert_eq!(site.post(&key, "/notify", by_name).await.accepted(), json!({"accepted": 1, "unknown": 2}));
    let nobody = site.post(&key, "/notify", notice(&[78])).await.accepted();
    assert_eq!(nobody, json!({"accepted": 0, "unknown": 1}));
}

#[tokio::test]
async fn a_group_is_told_by_one_notification() {
    let (site, key, ada) = site_with_people(1).await;
    let told = |title: &str| with(with(notice(&[1]), "group", json!("g")), "title", json!(title));
    site.post(&key, "/notify", told("One")).await.accepted();
    let id = ids(&site.get(&ada, "/notifications").await.ok())[0];
    site.post(&ada, "/notifications/read", json!({"all": true})).await.ok();
    site.post(&key, "/notify", told("Two")).await.accepted();
    let inbox = site.get(&ada, "/notifications").await.ok();
    let item = &inbox["items"][0];
    assert_eq!((&item["id"], &item["title"], &item["count"]), (&json!(id), &json!("Two"), &json!(2)));
    assert_eq!((&item["read_at"], &inbox["unread"]), (&Value::Null, &json!(1)));
    let log = site.get(&ada, "/channels/me/events").await.ok();
    assert_eq!(log["items"][2]["kind"], "notification.updated");
}

#[tokio::test]
async fn a_key_makes_a_notice_once_and_keeps_its_numbers() {
    let (site, key, ada) = site_with_people(1).await;
    let many: Vec<i64> = (1..=250).collect();
    let first = site.post_with_key(&key, "/notify", "k", notice(&many)).await.accepted();
    assert_eq!(first, json!({"accepted": 1, "unknown": 249}));
    assert_eq!(site.post_with_key(&key, "/notify", "k", notice(&many)).await.accepted(), first);
    let in_body = with(notice(&many), "key", json!("k"));
    assert_eq!(site.post(&key, "/notify", in_body).await.accepted(), first);
    assert_eq!(code(&site.post_with_key(&key, "/notify", "k", notice(&[1])).await), "409 conflict");
    let other = with(notice(&many), "title", json!("Other"));
    assert_eq!(code(&site.post_with_key(&key, "/notify", "k", other).await), "409 conflict");
    assert_eq!(site.get(&ada, "/notifications").await.ok()["unread"], 1);
    site.post_with_key(&site.api_key(&["notify"]).await, "/notify", "k", notice(&[1])).await.accepted();
    assert_eq!(site.get(&ada, "/notifications").await.ok()["unread"], 2, "keys are kept by caller");
    assert_eq!(pointer(&site.post_with_key(&key, "/notify", &"k".repeat(65), notice(&[1])).await), "422 /key");
}

#[tokio::test]
async fn a_notice_holds_its_bounds_at_the_edge() {
    let (site, key, ada) = site_with_people(1).await;
    let send = async |notice: Value| -> Answer { site.post(&key, "/notify", notice).await };
    for (field, most) in [("title", 300), ("body", 2_000), ("group", 200)] {
        let text = |chars: usize| with(notice(&[1]), field, json!("ü".repeat(chars)));
        assert_eq!(send(text(most)).await.status, 202, "{field}");
        assert_eq!(pointer(&send(text(most + 1)).await), format!("422 /{field}"));
        assert_eq!(pointer(&send(with(notice(&[1]), field, json!(" "))).await), format!("422 /{field}"));
    }
    let people = |count: i64| notice(&(1..=count).collect::<Vec<_>>());
    assert_eq!(send(people(1_000)).await.accepted(), json!({"accepted": 1, "unknown": 999}));
    assert_eq!(pointer(&send(people(1_001)).await), "422 /user_ids");
    assert_eq!(pointer(&send(people(0)).await), "422 /user_ids");
    let named = |count: usize| {
        let ids: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        json!({"external_ids": ids, "kind": "x", "title": "t"})
    };
    assert_eq!(send(named(1_000)).await.accepted(), json!({"accepted": 0, "unknown": 1_000}));
    assert_eq!(pointer(&send(named(1_001)).await), "422 /external_ids");
    assert_eq!(pointer(&send(named(0)).await), "422 /external_ids");
    assert_eq!(pointer(&send(json!({"kind": "x", "title": "t"})).await), "422 /user_ids");
    assert_eq!(code(&send(with(named(1), "user_ids", json!([1]))).await), "400 bad_request");

    for kind in ["comment", "reply", "mention", "reaction", "", "X", "a b", &"k".repeat(61)] {
        assert_eq!(pointer(&send(with(notice(&[1]), "kind", json!(kind))).await), "422 /kind", "{kind}");
    }
    assert_eq!(send(with(notice(&[1]), "kind", json!("k".repeat(60)))).await.status, 202);
    for url in ["javascript:alert(1)", "/orders/1", "ftp://a.example/", "https://", ""] {
        assert_eq!(pointer(&send(with(notice(&[1]), "url", json!(url))).await), "422 /url", "{url}");
    }
    for bad in [json!({"user_ids": [0]}), json!({"user_ids": ["1"]}), json!({"title": "t"})] {
        assert_eq!(code(&send(bad.clone()).await), "400 bad_request", "{bad}");
    }

    assert_eq!(code(&site.post("", "/notify", notice(&[1])).await), "401 unauthenticated");
    assert_eq!(code(&site.post(&ada, "/notify", notice(&[1])).await), "403 forbidden");
    let other = site.api_key(&["publish", "posts", "users"]).await;
    assert_eq!(code(&site.post(&other, "/notify", notice(&[1])).await), "403 forbidden");
}

#[tokio::test]
async fn what_a_post_has_told_goes_with_it() {
    let (site, ada, post) = site_with_post().await;
    let bob = site.person("bob").await;
    for n in 0..3 {
        let path = format!("/posts/{post}/comments");
        site.post(&bob, &path, json!({"body": format!("{n} @ada")})).await.created();
    }
    assert_eq!(site.get(&ada, "/notifications").await.ok()["unread"], 3);
    assert_eq!(site.delete(&ada, &format!("/posts/{post}")).await.status, 204);
    let empty = async {
        while site.get(&ada, "/notifications").await.ok()["items"] != json!([]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), empty).await.expect("nothing is taken back");
    assert_eq!(site.get(&ada, "/notifications").await.ok()["unread"], 0);
}
