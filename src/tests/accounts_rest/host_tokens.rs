//! People who come with a token of the host's site.

use super::signers::Signer;
use super::*;
use belfry::model::Role;
use belfry::store::write::SetRole;

async fn stage() -> (House, Signer) {
    (house(&["--host-secret", "shared"]).await, Signer::shared("shared"))
}

impl House {
    async fn who(&self, token: &Value) -> Reply {
        self.call(get("/users/me").bearer(token)).await
    }

    async fn known(&self, token: &Value) -> Value {
        self.who(token).await.expect(StatusCode::OK)
    }
}

#[tokio::test]
async fn a_person_appears_on_first_sight_and_the_last_token_says_who_they_are() {
    let (house, host) = stage().await;
    let picture = json!({"picture": "https://a.example/1.png"});
    let ada = house.known(&host.token("u-1", "Ada Lovelace", picture)).await;
    assert_eq!(
        ada,
        json!({
            "id": ada["id"], "name": "Ada Lovelace", "handle": "ada_lovelace", "avatar_url": "https://a.example/1.png",
            "email": null, "external_id": "u-1", "role": "user", "created_at": house.clock.now(),
        })
    );
    for (name, others, kept) in [
        ("Ada", json!({}), json!("https://a.example/1.png")),
        ("Ada", json!({"picture": "javascript:alert(1)"}), json!("https://a.example/1.png")),
        ("Ada", json!({"picture": "https://a.example/2.png"}), json!("https://a.example/2.png")),
        ("Ada", json!({"picture": null}), json!(null)),
    ] {
        let me = house.known(&host.token("u-1", name, others.clone())).await;
        assert_eq!((&me["id"], &me["handle"]), (&ada["id"], &json!("ada_lovelace")));
        assert_eq!((&me["name"], &me["avatar_url"]), (&json!(name), &kept), "{others}");
    }
    let other = house.known(&host.token("u-2", "Ada Lovelace", json!({}))).await;
    assert_eq!(other["handle"], json!(format!("ada_lovelace_{}", other["id"])));
    for edge in [(255, 200), (256, 401)] {
        let token = host.token(&"é".repeat(edge.0), "Long", json!({}));
        assert_eq!(house.who(&token).await.status.as_u16(), edge.1, "{}", edge.0);
    }
}

#[tokio::test]
async fn of_two_tokens_in_use_the_one_signed_later_says_what_is_kept() {
    let (house, host) = stage().await;
    let signed = |name: &str, seconds: i64| host.token("u-1", name, json!({"iat": 1_700_000_000 - seconds}));
    let (old, new) = (signed("Old", 50), signed("New", 10));
    house.known(&new).await;
    for token in [&old, &new, &old, &new] {
        assert_eq!(house.known(token).await["name"], "New");
    }
    assert_eq!(house.known(&signed("Newer", 5)).await["name"], "Newer");
    house.known(&signed("Newer", 1)).await;
    house.known(&signed("Between", 3)).await;
    let kept = house.host_person("u-1").await.unwrap();
    assert_eq!(kept.user.name, "Newer");
}

#[tokio::test]
async fn a_token_that_is_not_good_says_why_and_makes_nobody() {
    let (house, host) = stage().await;
    for (claims, told) in [
        (json!({"exp": 1_700_000_000}), "ended"),
        (json!({"exp": null}), "`exp`"),
        (json!({"nbf": 1_700_000_002}), "begun"),
        (json!({"name": ""}), "`name`"),
        (json!({"name": "x".repeat(61)}), "`name`"),
        (json!({"sub": ""}), "`sub`"),
        (json!({"iss": "belfry", "aud": "belfry"}), "not good"),
    ] {
        let reply = house.who(&host.token("u-1", "Ada", claims.clone())).await;
        reply.problem(401, "unauthenticated");
        assert!(reply.body["detail"].as_str().unwrap().contains(told), "{claims}: {}", reply.body);
    }
    house.who(&Signer::shared("other").token("u-1", "Ada", json!({}))).await.problem(401, "unauthenticated");
    assert_eq!(house.host_person("u-1").await, None);
    let nowhere = super::house(&[]).await;
    nowhere.who(&host.token("u-1", "Ada", json!({}))).await.problem(401, "unauthenticated");
    let audience = super::house(&["--host-secret", "shared", "--host-aud", "comments"]).await;
    for (aud, status) in
        [(json!("comments"), 200), (json!(["x", "comments"]), 200), (json!("x"), 401), (json!(null), 401)]
    {
        assert_eq!(
            audience.who(&host.token("u-1", "Ada", json!({ "aud": aud }))).await.status.as_u16(),
            status,
            "{aud}"
        );
    }
}

#[tokio::test]
async fn a_role_is_given_here_and_not_by_a_token() {
    let (house, host) = stage().await;
    let token = host.token("u-1", "Ada", json!({"role": "admin", "sid": 1, "handle": "root"}));
    let ada = house.known(&token).await;
    assert_eq!((&ada["role"], &ada["handle"]), (&json!("user"), &json!("ada")));
    let bans = || get("/bans").bearer(&token);
    house.call(bans()).await.problem(403, "forbidden");
    // What is remembered of somebody follows.
    let set = |role| SetRole { handle: "ada".into(), role };
    house.state.store.write(set(Role::Moderator)).await.unwrap();
    house.call(bans()).await.expect(StatusCode::OK);
    // Long after it was read anew, too.
    house.call(get("/bans").bearer(&host.token("u-1", "Ida", json!({})))).await.expect(StatusCode::OK);
    house.state.store.write(set(Role::User)).await.unwrap();
    house.call(bans()).await.problem(403, "forbidden");
}

#[tokio::test]
async fn signing_out_ends_the_token_and_everywhere_the_sessions_from_here_too() {
    let (house, host) = stage().await;
    let [first, second] = ["a", "b"].map(|jti| host.token("u-1", "Ada", json!({ "jti": jti })));
    house.known(&first).await;
    house.call(call(Method::POST, "/auth/logout").bearer(&first)).await.expect(StatusCode::NO_CONTENT);
    house.who(&first).await.problem(401, "unauthenticated");
    house.known(&second).await;
    // The same person by a session of this server.
    let own = house.state.accounts.people("Ada", None, Duration::from_secs(600)).await.unwrap().remove(0);
    assert_eq!(house.known(&json!(own)).await["external_id"], "u-1");
    house.call(call(Method::POST, "/auth/logout?everywhere=true").bearer(&second)).await.expect(StatusCode::NO_CONTENT);
    for ended in [&first, &second, &json!(own)] {
        house.who(ended).await.problem(401, "unauthenticated");
    }
    // No more than those: a fresh token is another one.
    house.known(&host.token("u-1", "Ada", json!({"jti": "c"}))).await;
    house.call(post("/auth/refresh", json!({"refresh_token": second}))).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn name_and_picture_are_the_hosts_to_tell_and_the_handle_is_ones_own() {
    let (house, host) = stage().await;
    let token = host.token("u-1", "Ada", json!({}));
    let patch = |body| call(Method::PATCH, "/users/me").json(body).bearer(&token);
    for (body, pointer) in [
        (json!({"name": "Ida"}), "/name"),
        (json!({"avatar_url": "https://a.example/"}), "/avatar_url"),
        (json!({"avatar_url": null, "handle": "ida"}), "/avatar_url"),
    ] {
        assert_eq!(house.call(patch(body)).await.problem(403, "forbidden"), [pointer]);
    }
    assert_eq!(house.call(patch(json!({"handle": "ida"}))).await.expect(StatusCode::OK)["handle"], "ida");
    assert_eq!(house.known(&token).await["handle"], "ida");
}

#[tokio::test]
async fn the_two_secrets_must_differ() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let run = |secret: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_belfry"));
        command.env_clear().env("BELFRY_DATA", data).env("BELFRY_LISTEN", "127.0.0.1:0");
        command.env("BELFRY_METRICS_LISTEN", "off").env("BELFRY_HOST_SECRET", secret);
        command.output().unwrap()
    };
    // The generated one counts as well.
    std::fs::write(folder.path().join("jwt.secret"), "generated\n").unwrap();
    let output = run("generated");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("BELFRY_HOST_SECRET"));
}
