//! A host's back end keeps the people of its site.

use super::signers::Signer;
use super::*;

fn put(key: &str, body: Value) -> Call {
    call(Method::PUT, "/users/by-external-id").json(body).header("authorization", &format!("Bearer {key}"))
}

async fn key(house: &House, scopes: &[&str]) -> String {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    house.state.accounts.make_api_key("blog", scopes).await.unwrap()
}

#[tokio::test]
async fn a_person_is_made_once_and_changed_after_that() {
    let house = house(&["--host-secret", "shared"]).await;
    let key = key(&house, &["users"]).await;
    let ada = json!({
        "external_id": "u-1", "name": "Ada Lovelace", "avatar_url": "https://a.example/1.png", "email": "Ada@A.example",
    });
    let made = house.call(put(&key, ada.clone())).await.expect(StatusCode::CREATED);
    let user = &made["user"];
    assert_eq!(
        made,
        json!({"user": {
            "id": user["id"], "name": "Ada Lovelace", "handle": "ada_lovelace", "avatar_url": "https://a.example/1.png",
            "email": "ada@a.example", "external_id": "u-1", "role": "user", "created_at": house.clock.now(),
        }})
    );
    assert_eq!(house.call(put(&key, ada)).await.expect(StatusCode::OK), made);
    let renamed = house.call(put(&key, json!({"external_id": "u-1", "name": "Ada"}))).await.expect(StatusCode::OK);
    assert_eq!((&renamed["user"]["id"], &renamed["user"]["name"]), (&user["id"], &json!("Ada")));
    for kept in ["avatar_url", "email", "handle"] {
        assert_eq!(renamed["user"][kept], user[kept]);
    }
    let none = json!({"external_id": "u-1", "name": "Ada", "avatar_url": null, "email": null});
    let bare = house.call(put(&key, none)).await.expect(StatusCode::OK);
    assert_eq!((&bare["user"]["avatar_url"], &bare["user"]["email"]), (&Value::Null, &Value::Null));

    // The same person as by a token, which says it anew.
    let token = Signer::shared("shared").token("u-1", "Countess", json!({}));
    house.call(put(&key, json!({"external_id": "u-1", "name": "Ada", "email": "x@a.example"}))).await;
    let me = house.call(get("/users/me").bearer(&token)).await.expect(StatusCode::OK);
    assert_eq!((&me["id"], &me["name"], &me["email"]), (&user["id"], &json!("Countess"), &json!("x@a.example")));
}

#[tokio::test]
async fn an_address_is_not_unique_and_signs_nobody_in() {
    let house = house(&[]).await;
    let key = key(&house, &["users"]).await;
    house.person("ada").await;
    for external_id in ["u-1", "u-2"] {
        let body = json!({"external_id": external_id, "name": "Ada", "email": "ada@x.example"});
        house.call(put(&key, body)).await.expect(StatusCode::CREATED);
    }
    let free = json!({"external_id": "u-3", "name": "Bob", "email": "bob@x.example"});
    house.call(put(&key, free)).await.expect(StatusCode::CREATED);
    let login = post("/auth/login", json!({"email": "bob@x.example", "password": "correct horse"}));
    house.call(login).await.problem(401, "unauthenticated");
    house.person("bob").await;
}

#[tokio::test]
async fn every_field_holds_at_its_edges() {
    let house = house(&["--max-name-chars", "10"]).await;
    let key = key(&house, &["users"]).await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"external_id": "u-1", "name": "Ada"});
        body[field] = value;
        put(&key, body)
    };
    let url = |length: usize| format!("https://a.example/{}", "x".repeat(length - "https://a.example/".len()));
    let email = |length: usize| format!("{}@a.example", "x".repeat(length - "@a.example".len()));
    for (field, good) in [
        ("external_id", json!("é".repeat(255))),
        ("external_id", json!(" ")),
        ("name", json!("é".repeat(10))),
        ("avatar_url", json!(url(1_000))),
        ("email", json!(email(254))),
    ] {
        let status = house.call(with(field, good)).await.status;
        assert!(status.is_success(), "{field}: {status}");
    }
    for (field, bad) in [
        ("external_id", json!("é".repeat(256))),
        ("external_id", json!("")),
        ("external_id", json!("a\u{0}b")),
        ("name", json!("é".repeat(11))),
        ("name", json!(" ")),
        ("name", json!("a\nb")),
        ("avatar_url", json!(url(1_001))),
        ("avatar_url", json!("ftp://a.example/")),
        ("email", json!(email(255))),
        ("email", json!("nobody")),
    ] {
        let pointers = house.call(with(field, bad.clone())).await.problem(422, "unprocessable");
        assert_eq!(pointers, [format!("/{field}")], "{bad}");
    }
    for bad in
        [json!({}), json!({"name": "Ada"}), json!({"external_id": "u-1"}), json!({"external_id": 1, "name": "A"})]
    {
        house.call(put(&key, bad)).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn only_a_back_end_that_may_keeps_people() {
    let house = house(&[]).await;
    let body = || json!({"external_id": "u-1", "name": "Ada"});
    let ada = house.person("ada").await;
    house.call(call(Method::PUT, "/users/by-external-id").json(body())).await.problem(401, "unauthenticated");
    house.call(put("bk_unknown", body())).await.problem(401, "unauthenticated");
    house.call(put(ada["access_token"].as_str().unwrap(), body())).await.problem(403, "forbidden");
    let others = key(&house, &["publish", "notify", "posts"]).await;
    house.call(put(&others, body())).await.problem(403, "forbidden");
    let good = key(&house, &["users"]).await;
    house.call(put(&good, body()).header("origin", OWN)).await.problem(403, "forbidden");
    house.call(put(&good, body())).await.expect(StatusCode::CREATED);
}
