//! Signing up, and what people may call themselves.

use super::*;

fn ada(changes: Value) -> Value {
    let mut body = json!({"name": "Ada", "email": "ada@x.example", "password": "correct horse"});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn a_new_person_is_signed_in_at_once() {
    let house = house(&[]).await;
    let reply = house.call(post("/auth/register", ada(json!({"email": " Ada@X.example ", "handle": null})))).await;
    let answer = reply.expect(StatusCode::CREATED);
    assert_eq!(answer["expires_in"], 900);
    let user = &answer["user"];
    assert_eq!(
        (&user["name"], &user["handle"], &user["email"]),
        (&json!("Ada"), &json!("ada"), &json!("ada@x.example"))
    );
    assert_eq!((&user["role"], &user["avatar_url"]), (&json!("user"), &Value::Null));
    assert!(!answer.to_string().contains("argon2"));
    let me = house.call(get("/users/me").bearer(&answer["access_token"])).await.expect(StatusCode::OK);
    assert_eq!(me, *user);
}

#[tokio::test]
async fn each_field_is_held_to_its_bounds() {
    let house = house(&["--rate-limits", "off"]).await;
    let long = |count: usize| "é".repeat(count);
    let mut number = 0;
    for (changes, pointer) in [
        (json!({"name": long(60)}), None),
        (json!({"name": long(61)}), Some("/name")),
        (json!({"name": " \t "}), Some("/name")),
        (json!({"name": "A\u{7}"}), Some("/name")),
        (json!({"password": long(8)}), None),
        (json!({"password": long(7)}), Some("/password")),
        (json!({"password": long(1_000)}), None),
        (json!({"password": long(1_001)}), Some("/password")),
        (json!({"email": "nobody"}), Some("/email")),
        (json!({"email": "a@b@c"}), Some("/email")),
        (json!({"email": format!("{}@x.example", "a".repeat(244))}), None),
        (json!({"email": format!("{}@x.example", "a".repeat(245))}), Some("/email")),
        (json!({"handle": "a".repeat(30)}), None),
        (json!({"handle": "a".repeat(31)}), Some("/handle")),
        (json!({"handle": ""}), Some("/handle")),
        (json!({"handle": "Ada"}), Some("/handle")),
        (json!({"session": "jar"}), Some("/session")),
    ] {
        number += 1;
        let mut body = ada(json!({"email": format!("ada{number}@x.example")}));
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let reply = house.call(post("/auth/register", body)).await;
        match pointer {
            None => drop(reply.expect(StatusCode::CREATED)),
            Some(pointer) => assert_eq!(reply.problem(422, "unprocessable"), [pointer], "{changes}"),
        }
    }
}

#[tokio::test]
async fn an_address_has_one_account_and_a_handle_one_bearer() {
    let house = house(&["--rate-limits", "off"]).await;
    house.call(post("/auth/register", ada(json!({})))).await.expect(StatusCode::CREATED);
    let again = house.call(post("/auth/register", ada(json!({"email": "ADA@x.example"})))).await;
    assert_eq!(again.problem(409, "conflict"), ["/email"]);
    let taken = house.call(post("/auth/register", ada(json!({"email": "b@x.example", "handle": "ada"})))).await;
    assert_eq!(taken.problem(409, "conflict"), ["/handle"]);
    let other = house.call(post("/auth/register", ada(json!({"email": "b@x.example"})))).await;
    let other = other.expect(StatusCode::CREATED);
    assert_eq!(other["user"]["handle"], format!("ada_{}", other["user"]["id"]));
}

#[tokio::test]
async fn nobody_signs_up_where_it_is_switched_off() {
    let house = house(&["--registration", "off"]).await;
    house.call(post("/auth/register", ada(json!({})))).await.problem(403, "forbidden");
}

#[tokio::test]
async fn five_sign_ups_an_address_in_ten_minutes() {
    let house = house(&[]).await;
    let register = |number: u32| post("/auth/register", ada(json!({"email": format!("a{number}@x.example")})));
    for number in 0..5 {
        // What could not have made an account does not count.
        house.call(post("/auth/register", ada(json!({"name": ""})))).await.problem(422, "unprocessable");
        house.call(register(number)).await.expect(StatusCode::CREATED);
    }
    let refused = house.call(register(5)).await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "120");
    house.pass(Duration::from_secs(120));
    house.call(register(5)).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn people_change_what_they_say_of_themselves() {
    let house = house(&[]).await;
    let token = house.person("ada").await["access_token"].clone();
    house.person("bob").await;
    let patch = async |body: Value| house.call(call(Method::PATCH, "/users/me").bearer(&token).json(body)).await;
    let changed =
        patch(json!({"name": " Ada L. ", "handle": "lovelace", "avatar_url": "https://x.example/a.png"})).await;
    let changed = changed.expect(StatusCode::OK);
    assert_eq!((&changed["name"], &changed["handle"]), (&json!("Ada L."), &json!("lovelace")));
    assert_eq!(patch(json!({})).await.expect(StatusCode::OK), changed);
    assert_eq!(patch(json!({"name": null, "role": "admin"})).await.expect(StatusCode::OK), changed);
    let bare = patch(json!({"avatar_url": null})).await.expect(StatusCode::OK);
    assert_eq!((&bare["avatar_url"], &bare["handle"]), (&Value::Null, &json!("lovelace")));
    assert_eq!(patch(json!({"handle": "bob"})).await.problem(409, "conflict"), ["/handle"]);
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"handle": "a".repeat(31)}), "/handle"),
        (json!({"avatar_url": "javascript:alert(1)"}), "/avatar_url"),
        (json!({"avatar_url": "/a.png"}), "/avatar_url"),
    ] {
        assert_eq!(patch(body).await.problem(422, "unprocessable"), [pointer]);
    }
    patch(json!({"name": 1})).await.problem(400, "bad_request");
    let me = house.call(get("/users/me").bearer(&token)).await.expect(StatusCode::OK);
    assert_eq!(me, bare);
}
