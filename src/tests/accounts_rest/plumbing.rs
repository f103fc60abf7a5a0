//! What every request gets, whatever it asks for.

use super::*;

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let house = house(&[]).await;
    for path in ["/nothing", "//nothing", "//api/v1", "/users/me/"] {
        house.call(get(path)).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn another_method_is_a_problem_that_tells_which_are_there() {
    let house = house(&[]).await;
    let reply = house.call(call(Method::DELETE, "/users/me")).await;
    reply.problem(405, "method_not_allowed");
    let mut allowed: Vec<&str> = reply.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PATCH"]);
    house.call(get("/auth/login")).await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn a_body_that_is_no_json_object_of_that_shape_is_a_bad_request() {
    let house = house(&[]).await;
    let json = "application/json";
    let login = |kind: &str, body: &str| call(Method::POST, "/auth/login").body(kind, body);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"x\"",
        "{}",
        "{\"email\":\"a@b\"}",
        "{\"email\":1,\"password\":\"x\"}",
        "[\"a@b\",\"password\"]",
        "{\"email\":\"a@b\",\"password\":\"x\"} {}",
        "{\"email\":\"\\ud800\",\"password\":\"x\"}",
    ] {
        house.call(login(json, body)).await.problem(400, "bad_request");
    }
    let body = "{\"email\":\"a@b\",\"password\":\"x\",\"unknown\":[1]}";
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "x"] {
        house.call(login(kind, body)).await.problem(400, "bad_request");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
        house.call(login(kind, body)).await.problem(401, "unauthenticated");
    }
    let nested = format!("{{\"email\":{}1{},\"password\":\"x\"}}", "[".repeat(5_000), "]".repeat(5_000));
    house.call(login(json, &nested)).await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_body_above_its_bound_is_too_large() {
    let house = house(&["--max-body", "100"]).await;
    let sized = |bytes: usize| {
        let body = format!("{{\"email\":\"a@b\",\"password\":\"{}\"}}", "x".repeat(bytes - 29));
        assert_eq!(body.len(), bytes);
        body
    };
    let login = |body: String| call(Method::POST, "/auth/login").body("application/json", body);
    house.call(login(sized(100))).await.problem(401, "unauthenticated");
    house.call(login(sized(101))).await.problem(413, "too_large");
    // Without a length known in advance.
    let chunks = futures_util::stream::iter(sized(101).into_bytes().chunks(7).map(<[u8]>::to_vec).collect::<Vec<_>>());
    let chunks = futures_util::StreamExt::map(chunks, Ok::<_, std::io::Error>);
    let mut request = login(String::new()).request();
    *request.body_mut() = Body::from_stream(chunks);
    Reply::read(house.router.clone().oneshot(request).await.unwrap()).await.problem(413, "too_large");
}

#[tokio::test]
async fn a_request_has_an_id_of_its_own_or_the_clients() {
    let house = house(&[]).await;
    let of = async |given: &str| {
        let reply = house.call(get("/users/me").header("x-request-id", given)).await;
        reply.problem(401, "unauthenticated");
        reply.header("x-request-id").to_owned()
    };
    let longest = "x".repeat(64);
    assert_eq!(of("a-1_b.c:2").await, "a-1_b.c:2");
    assert_eq!(of(&longest).await, longest);
    for bad in [&"x".repeat(65)[..], "", "a b", "a\"b"] {
        let id = of(bad).await;
        assert_ne!(id, bad);
        assert_eq!(id.len(), 16);
    }
    assert_ne!(of("").await, of("").await);
}

#[tokio::test]
async fn answers_are_kept_by_nobody_and_run_nothing() {
    let house = house(&[]).await;
    let reply = house.call(get("/config")).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_panic_is_a_problem_and_nothing_more() {
    let house = house(&[]).await;
    let routes = Router::new().route("/panics", axum::routing::get(async || -> String { panic!("a defect") }));
    let router = http::finish(routes, house.state.clone());
    let request = get("//panics").request();
    let reply = Reply::read(router.oneshot(request).await.unwrap()).await;
    reply.problem(500, "internal");
    assert!(!reply.body.to_string().contains("a defect"));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for_long() {
    let house = house(&[]).await;
    tokio::time::pause();
    let mut request = post("/auth/login", json!({})).request();
    *request.body_mut() = Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
    Reply::read(house.router.clone().oneshot(request).await.unwrap()).await.problem(400, "bad_request");
}
