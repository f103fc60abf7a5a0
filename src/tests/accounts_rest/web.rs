//! Pages of other origins: what they may read, and what the refresh cookie asks of them.

use super::*;

const OTHER: &str = "https://blog.example";

fn preflight(path: &str, origin: &str) -> Call {
    let method = "access-control-request-method";
    call(Method::OPTIONS, path).header("origin", origin).header(method, "POST")
}

#[tokio::test]
async fn pages_of_the_allow_list_may_read_answers_without_credentials() {
    let house = house(&["--origins", OTHER]).await;
    for origin in [OTHER, OWN] {
        let reply = house.call(get("/users/me").header("origin", origin)).await;
        reply.problem(401, "unauthenticated");
        assert_eq!(reply.header("access-control-allow-origin"), origin);
        assert_eq!(reply.header("access-control-expose-headers"), "Retry-After, X-Request-Id");
        assert_eq!(reply.header("access-control-allow-credentials"), "");
        assert_eq!(reply.header("vary"), "Origin");
    }
    for origin in ["https://evil.example", "null", "http://blog.example"] {
        let reply = house.call(get("/users/me").header("origin", origin)).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
        assert_eq!(reply.header("vary"), "Origin");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_without_asking_anybody() {
    let house = house(&["--origins", OTHER]).await;
    let reply = house.call(preflight("/auth/login", OTHER)).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert_eq!(reply.header("access-control-allow-origin"), OTHER);
    for (header, needed) in [
        ("access-control-allow-headers", &["Authorization", "Content-Type", "Idempotency-Key"][..]),
        ("access-control-allow-methods", &["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ] {
        for name in needed {
            assert!(reply.header(header).split(", ").any(|told| told == *name), "{name}");
        }
    }
    let reply = house.call(preflight("/auth/login", "https://evil.example")).await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
    assert_eq!(reply.header("access-control-allow-headers"), "");
}

#[tokio::test]
async fn any_page_may_ask_whether_it_is_allowed() {
    let house = house(&["--origins", OTHER, "--registration", "off", "--heartbeat", "1500ms"]).await;
    for (origin, allowed) in [(OTHER, true), (OWN, true), ("https://evil.example", false), ("null", false)] {
        let reply = house.call(get("/config").header("origin", origin)).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        let told = json!({
            "origin_allowed": allowed, "registration": false, "heartbeat_ms": 1500, "max_comment_chars": 10_000,
            "version": env!("CARGO_PKG_VERSION"),
        });
        assert_eq!(reply.expect(StatusCode::OK), told, "{origin}");
    }
    let own_page = house.call(get("/config")).await.expect(StatusCode::OK);
    assert_eq!(own_page["origin_allowed"], true);
}

#[tokio::test]
async fn the_refresh_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let house = house(&["--rate-limits", "off", "--refresh-ttl", "2h"]).await;
    let body = json!({"name": "Ada", "email": "ada@x.example", "password": "correct horse"});
    let reply = house.call(post("/auth/register", body)).await;
    let set = reply.header("set-cookie").to_owned();
    let token = set.strip_prefix("belfry_refresh=").unwrap().split(';').next().unwrap();
    assert_eq!(token.len(), 43);
    assert_eq!(
        set,
        format!("belfry_refresh={token}; Path=/api/v1/auth; Max-Age=7200; HttpOnly; SameSite=Strict; Secure")
    );
    assert_eq!(reply.body.get("refresh_token"), None);

    let body = json!({"email": "ada@x.example", "password": "correct horse"});
    for (host, secure) in [
        ("localhost:8080", false),
        ("app.localhost", false),
        ("127.0.0.1:8080", false),
        ("127.1.2.3", false),
        ("[::1]:8080", false),
        ("192.0.2.1", true),
        ("localhost.evil.example", true),
    ] {
        let mut request = post("/auth/login", body.clone()).request();
        request.headers_mut().insert("host", host.parse().unwrap());
        let reply = Reply::read(house.router.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(reply.header("set-cookie").contains("; Secure"), secure, "{host}");
    }
}

#[tokio::test]
async fn behind_a_public_url_the_cookie_is_secure_whatever_the_host_says() {
    let house = house(&["--public-url", "https://talk.example"]).await;
    let body = json!({"name": "Ada", "email": "ada@x.example", "password": "correct horse"});
    let mut request = post("/auth/register", body).request();
    request.headers_mut().insert("host", "127.0.0.1:8080".parse().unwrap());
    let reply = Reply::read(house.router.clone().oneshot(request).await.unwrap()).await;
    assert!(reply.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn a_request_that_brings_the_cookie_must_come_from_the_own_origin() {
    let house = house(&["--origins", OTHER]).await;
    let body = json!({"name": "Ada", "email": "ada@x.example", "password": "correct horse"});
    let cookie = house.call(post("/auth/register", body)).await.cookie().unwrap();
    let brought = |path: &str| call(Method::POST, path).header("cookie", &format!("a=b; {cookie}; c=d"));
    for path in ["/auth/refresh", "/auth/logout"] {
        house.call(brought(path)).await.problem(403, "forbidden");
        for origin in [OTHER, "https://evil.example", "null", "http://talk.example:81"] {
            house.call(brought(path).header("origin", origin)).await.problem(403, "forbidden");
        }
    }
    let reply = house.call(brought("/auth/refresh").header("origin", OWN)).await;
    assert!(reply.cookie().is_some_and(|next| next != cookie));
    assert_eq!(reply.expect(StatusCode::OK).get("refresh_token"), None);
}
