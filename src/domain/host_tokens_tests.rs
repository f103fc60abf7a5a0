//! What is asked of a token of the host's site, and what it says.

use super::super::tokens::Tokens;
use super::*;
use crate::protocol::codes::ErrorCode;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

const NOW: Timestamp = Timestamp(1_700_000_000_500);

fn now() -> i64 {
    NOW.seconds()
}

fn signed_as(header: &Header, secret: &str, changes: Value) -> String {
    let mut claims = json!({"sub": "u-1", "name": "Ada", "exp": now() + 60});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value == "absent" {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    jsonwebtoken::encode(header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn signed(changes: Value) -> String {
    signed_as(&Header::new(Algorithm::HS256), "shared", changes)
}

fn tokens(audience: Option<&str>) -> HostTokens {
    let keys = Keys::Secret(DecodingKey::from_secret(b"shared"));
    HostTokens::new(keys, audience.map(str::to_owned), 60)
}

async fn read(token: &str) -> Result<HostToken, DomainError> {
    tokens(None).read(token, NOW).await
}

async fn refused(token: &str) -> String {
    let error = read(token).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Unauthenticated, "{token}");
    error.detail
}

#[tokio::test]
async fn a_good_token_says_who_and_until_when() {
    let token = signed(json!({"picture": "https://a.example/p.png", "iat": now() - 5, "role": "admin", "sid": 1}));
    let read = read(&token).await.unwrap();
    assert_eq!((read.external_id.as_str(), read.name.as_str()), ("u-1", "Ada"));
    assert_eq!(read.picture, Some(Some("https://a.example/p.png".to_owned())));
    assert_eq!(read.expires_at, Timestamp((now() + 60) * 1000));
    assert_eq!(read.signed_at, Timestamp((now() - 5) * 1000));
    assert!(read.session_id.is_of_host());
}

#[tokio::test]
async fn every_token_has_a_session_of_its_own_whatever_its_signature() {
    let [a, b] = [signed(json!({"iat": 1})), signed(json!({"iat": 2}))];
    let (first, second) = (read(&a).await.unwrap(), read(&b).await.unwrap());
    assert_ne!(first.session_id, second.session_id);
    assert_eq!(read(&a).await.unwrap().session_id, first.session_id);
    let signed = a.rsplit_once('.').unwrap().0;
    assert_eq!(SessionId::of_host(Sha256::digest(signed).into()), first.session_id);
}

#[tokio::test]
async fn what_is_missing_or_cannot_be_used_is_told() {
    for (changes, told) in [
        (json!({"exp": "absent"}), "`exp`"),
        (json!({"exp": null}), "`exp`"),
        (json!({"exp": "1800000000"}), "`exp`"),
        (json!({"sub": "absent"}), "`sub`"),
        (json!({"sub": 7}), "`sub`"),
        (json!({"sub": ""}), "`sub`"),
        (json!({"sub": "a\u{0}"}), "`sub`"),
        (json!({"sub": "é".repeat(256)}), "`sub`"),
        (json!({"name": "absent"}), "`name`"),
        (json!({"name": 7}), "`name`"),
        (json!({"name": " "}), "`name`"),
        (json!({"name": "x".repeat(61)}), "`name`"),
        (json!({"name": "a\nb"}), "`name`"),
        (json!({"iat": "now"}), "`iat`"),
        (json!({"nbf": true}), "`nbf`"),
    ] {
        let detail = refused(&signed(changes.clone())).await;
        assert!(detail.contains(told), "{changes}: {detail}");
    }
    assert_eq!(read(&signed(json!({"sub": "é".repeat(255)}))).await.unwrap().external_id, "é".repeat(255));
    assert_eq!(read(&signed(json!({"name": " é".repeat(30)}))).await.unwrap().name.chars().count(), 59);
}

#[tokio::test]
async fn a_token_is_good_from_a_second_before_its_beginning_to_its_end() {
    for (changes, good) in [
        (json!({"exp": now()}), false),
        (json!({"exp": now() + 1}), true),
        (json!({"exp": now() as f64 + 1.9}), true),
        (json!({"exp": now() - 3600}), false),
        (json!({"exp": -1}), false),
        (json!({"exp": 1e300}), true),
        (json!({"exp": i64::MAX}), true),
        (json!({"nbf": now() + 1}), true),
        (json!({"nbf": now() + 2}), false),
        (json!({"iat": now() + 1}), true),
        (json!({"iat": now() + 2}), false),
        (json!({"iat": null, "nbf": null}), true),
    ] {
        assert_eq!(read(&signed(changes.clone())).await.is_ok(), good, "{changes}");
    }
    let endless = read(&signed(json!({"exp": i64::MAX}))).await.unwrap();
    assert_eq!(endless.expires_at.to_string(), "9999-12-30T22:00:00.000Z");
}

#[tokio::test]
async fn a_picture_that_cannot_be_shown_is_passed_over_and_null_takes_it_away() {
    for (picture, read_as) in [
        (json!("absent"), None),
        (json!(null), Some(None)),
        (json!("http://a.example/"), Some(Some("http://a.example/".to_owned()))),
        (json!("javascript:alert(1)"), None),
        (json!("/p.png"), None),
        (json!(format!("https://a.example/{}", "x".repeat(1_000))), None),
        (json!(7), None),
    ] {
        assert_eq!(read(&signed(json!({ "picture": picture }))).await.unwrap().picture, read_as, "{picture}");
    }
}

#[tokio::test]
async fn the_audience_is_looked_at_where_one_is_set() {
    for (aud, named) in [
        (json!("absent"), false),
        (json!("comments"), true),
        (json!(["x", "comments"]), true),
        (json!("Comments"), false),
        (json!(["x"]), false),
        (json!([]), false),
        (json!({"comments": true}), false),
    ] {
        let token = signed(json!({ "aud": aud }));
        assert_eq!(tokens(Some("comments")).read(&token, NOW).await.is_ok(), named, "{aud}");
        assert!(read(&token).await.is_ok(), "{aud}");
    }
}

#[tokio::test]
async fn only_hs256_with_the_shared_secret_is_read_as_such() {
    let plain = Header::new(Algorithm::HS256);
    assert!(read(&signed_as(&plain, "shared", json!({}))).await.is_ok());
    refused(&signed_as(&plain, "other", json!({}))).await;
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        refused(&signed_as(&Header::new(algorithm), "shared", json!({}))).await;
    }
    let critical = Header { crit: Some(vec!["exp".into()]), ..plain.clone() };
    refused(&signed_as(&critical, "shared", json!({}))).await;
    // A key that the token brings along is nobody's.
    let hint = Header { kid: Some("any".into()), jku: Some("https://evil.example/".into()), ..plain };
    assert!(read(&signed_as(&hint, "shared", json!({}))).await.is_ok());
    let claims = signed(json!({})).split('.').nth(1).unwrap().to_owned();
    for unsigned in
        [format!("eyJhbGciOiJub25lIn0.{claims}."), format!("eyJhbGciOiJIUzI1NiJ9.{claims}."), claims, String::new()]
    {
        refused(&unsigned).await;
    }
    refused(&"a".repeat(MAX_TOKEN + 1)).await;
}

#[test]
fn an_own_token_says_so_twice_and_the_hosts_never_passes_as_one() {
    let own =
        json!({"iss": "belfry", "aud": "belfry", "sub": "3", "sid": 9, "handle": "ada", "role": "admin", "iat": 1});
    let pretends = signed(own);
    assert!(is_for_own(&pretends));
    assert_eq!(Tokens::new(b"own").read(&pretends, NOW).unwrap_err().code, ErrorCode::Unauthenticated);
    for hosts in [
        json!({}),
        json!({"iss": "belfry"}),
        json!({"aud": "belfry"}),
        json!({"iss": "belfry", "aud": ["belfry"]}),
        json!({"iss": "https://a.example", "aud": "belfry"}),
    ] {
        assert!(!is_for_own(&signed(hosts.clone())), "{hosts}");
    }
    assert!(!is_for_own("no token") && !is_for_own(""));
}
