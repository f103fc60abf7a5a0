//! Signing in with an address and a password.

use super::*;

fn login(email: &str, password: &str) -> Call {
    post("/auth/login", json!({"email": email, "password": password}))
}

#[tokio::test]
async fn the_address_counts_in_any_case_and_the_password_in_one() {
    let house = house(&[]).await;
    let user = house.person("ada").await["user"].clone();
    let reply = house.call(login(" ADA@x.example", "correct horse")).await;
    assert!(reply.cookie().is_some());
    let answer = reply.expect(StatusCode::OK);
    assert_eq!(answer["user"], user);
    assert_eq!(answer.get("refresh_token"), None);
    house.call(login("ada@x.example", "Correct horse")).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let house = house(&[]).await;
    house.person("ada").await;
    let of = async |email: &str| {
        let reply = house.call(login(email, "wrong horse").header("x-request-id", "same")).await;
        reply.problem(401, "unauthenticated");
        (reply.body, reply.headers)
    };
    assert_eq!(of("ada@x.example").await, of("nobody@x.example").await);
    assert_eq!(of("ada@x.example").await, of("no address").await);
    assert_eq!(of("ada@x.example").await, of("a\0@x.example").await);
}

#[tokio::test]
async fn ten_sign_ins_an_address_in_ten_minutes_good_or_bad() {
    let house = house(&["--trusted-proxies", "0.0.0.0"]).await;
    house.person("ada").await;
    let from = |address: &str, password: &str| login("ada@x.example", password).header("x-forwarded-for", address);
    for number in 0..10 {
        let (password, status) = if number % 2 == 0 { ("correct horse", 200) } else { ("wrong horse", 401) };
        // One /64 is one address.
        let reply = house.call(from(&format!("2001:db8::{number}"), password)).await;
        assert_eq!(reply.status.as_u16(), status);
    }
    let refused = house.call(from("2001:db8::ffff", "correct horse")).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "60");
    house.call(from("2001:db8:0:1::1", "correct horse")).await.expect(StatusCode::OK);
    house.pass(Duration::from_secs(60));
    house.call(from("2001:db8::1", "correct horse")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn who_is_not_behind_a_trusted_proxy_cannot_choose_an_address() {
    let house = house(&["--sign-ins-per-address", "1"]).await;
    let from = |address: &str| login("a@x.example", "wrong horse").header("x-forwarded-for", address);
    house.call(from("192.0.2.1")).await.problem(401, "unauthenticated");
    house.call(from("192.0.2.2")).await.problem(429, "rate_limited");
}
