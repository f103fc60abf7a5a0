//! Staying in and signing out.

use super::*;

fn refresh(token: &Value) -> Call {
    post("/auth/refresh", json!({"refresh_token": token}))
}

impl House {
    async fn knows(&self, answer: &Value) -> bool {
        self.call(get("/users/me").bearer(&answer["access_token"])).await.status == StatusCode::OK
    }
}

#[tokio::test]
async fn a_refresh_token_is_spent_for_the_next() {
    let house = house(&[]).await;
    let first = house.person("ada").await;
    let reply = house.call(refresh(&first["refresh_token"])).await;
    assert_eq!(reply.cookie(), None);
    let second = reply.expect(StatusCode::OK);
    assert_eq!((&second["user"], &second["expires_in"]), (&first["user"], &json!(900)));
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let third = house.call(refresh(&second["refresh_token"])).await.expect(StatusCode::OK);
    assert!(house.knows(&first).await && house.knows(&second).await && house.knows(&third).await);
}

#[tokio::test]
async fn for_ten_seconds_a_spent_token_returns_the_same_successor() {
    let house = house(&[]).await;
    let first = house.person("ada").await;
    let second = house.call(refresh(&first["refresh_token"])).await.expect(StatusCode::OK);
    house.pass(Duration::from_millis(9_999));
    let again = house.call(refresh(&first["refresh_token"])).await.expect(StatusCode::OK);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    house.call(refresh(&again["refresh_token"])).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_was_spent_before_that_ends_the_whole_family() {
    let house = house(&[]).await;
    let first = house.person("ada").await;
    let second = house.call(refresh(&first["refresh_token"])).await.expect(StatusCode::OK);
    house.pass(Duration::from_millis(10_001));
    house.call(refresh(&first["refresh_token"])).await.problem(401, "unauthenticated");
    house.call(refresh(&second["refresh_token"])).await.problem(401, "unauthenticated");
    assert!(!house.knows(&first).await && !house.knows(&second).await);
}

#[tokio::test]
async fn a_token_that_is_unknown_or_was_left_too_long_is_not_good() {
    let house = house(&["--refresh-ttl", "1h"]).await;
    let first = house.person("ada").await;
    for bad in ["", "x", "bk_x", &"x".repeat(100_000)] {
        house.call(refresh(&json!(bad))).await.problem(401, "unauthenticated");
    }
    house.call(call(Method::POST, "/auth/refresh")).await.problem(401, "unauthenticated");
    house.call(post("/auth/refresh", json!({}))).await.problem(401, "unauthenticated");
    house.pass(Duration::from_secs(3_601));
    house.call(refresh(&first["refresh_token"])).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_cookie_is_never_answered_with_a_body_nor_a_body_with_a_cookie() {
    let house = house(&[]).await;
    let in_body = house.person("ada").await["refresh_token"].clone();
    let reply = house.call(post("/auth/login", json!({"email": "ada@x.example", "password": "correct horse"}))).await;
    let cookie = reply.cookie().unwrap();
    let token = json!(cookie.split_once('=').unwrap().1);

    let smuggled = house.call(refresh(&token)).await;
    smuggled.problem(401, "unauthenticated");
    assert_eq!(smuggled.cookie(), None);
    let planted = format!("belfry_refresh={}", in_body.as_str().unwrap());
    let planted = call(Method::POST, "/auth/refresh").header("cookie", &planted).header("origin", OWN);
    let planted = house.call(planted).await;
    planted.problem(401, "unauthenticated");
    assert_eq!(planted.cookie().as_deref(), Some("belfry_refresh="));
    assert!(planted.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn an_access_token_ends_by_the_clock() {
    let house = house(&["--access-ttl", "60s"]).await;
    let ada = house.person("ada").await;
    assert_eq!(ada["expires_in"], 60);
    house.pass(Duration::from_millis(59_999));
    assert!(house.knows(&ada).await);
    house.pass(Duration::from_millis(1));
    house.call(get("/users/me").bearer(&ada["access_token"])).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn signing_out_ends_one_session_at_once() {
    let house = house(&[]).await;
    let here = house.person("ada").await;
    let body = json!({"email": "ada@x.example", "password": "correct horse", "session": "body"});
    let there = house.call(post("/auth/login", body)).await.expect(StatusCode::OK);
    let out = house.call(call(Method::POST, "/auth/logout").bearer(&here["access_token"])).await;
    assert_eq!(out.expect(StatusCode::NO_CONTENT), Value::Null);
    house.call(get("/users/me").bearer(&here["access_token"])).await.problem(401, "unauthenticated");
    house.call(refresh(&here["refresh_token"])).await.problem(401, "unauthenticated");
    assert!(house.knows(&there).await);
    house.call(refresh(&there["refresh_token"])).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_of_that_person() {
    let house = house(&[]).await;
    let (here, bob) = (house.person("ada").await, house.person("bob").await);
    let body = json!({"email": "ada@x.example", "password": "correct horse", "session": "body"});
    let there = house.call(post("/auth/login", body)).await.expect(StatusCode::OK);
    let out = call(Method::POST, "/auth/logout?everywhere=true").bearer(&here["access_token"]);
    house.call(out).await.expect(StatusCode::NO_CONTENT);
    assert!(!house.knows(&here).await && !house.knows(&there).await);
    house.call(refresh(&there["refresh_token"])).await.problem(401, "unauthenticated");
    assert!(house.knows(&bob).await);
}

#[tokio::test]
async fn a_session_can_be_named_by_its_refresh_token_when_the_access_token_has_ended() {
    let house = house(&[]).await;
    let in_body = house.person("ada").await;
    let body = json!({"email": "ada@x.example", "password": "correct horse"});
    let in_cookie = house.call(post("/auth/login", body)).await;
    let cookie = in_cookie.cookie().unwrap();
    house.pass(Duration::from_secs(1_000));

    let out = post("/auth/logout", json!({"refresh_token": in_body["refresh_token"]}));
    house.call(out.bearer(&in_body["access_token"])).await.expect(StatusCode::NO_CONTENT);
    house.call(refresh(&in_body["refresh_token"])).await.problem(401, "unauthenticated");

    let with_cookie = |path: &str| call(Method::POST, path).header("cookie", &cookie).header("origin", OWN);
    let out = house.call(with_cookie("/auth/logout")).await;
    assert_eq!(out.cookie().as_deref(), Some("belfry_refresh="));
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    house.call(with_cookie("/auth/refresh")).await.problem(401, "unauthenticated");

    house.call(call(Method::POST, "/auth/logout")).await.problem(401, "unauthenticated");
    house
        .call(call(Method::POST, "/auth/logout").bearer(&in_body["access_token"]))
        .await
        .problem(401, "unauthenticated");
}
