//! Keeping people out, and letting them in again.

use super::*;
use belfry::model::Role;
use belfry::store::write::{EnsurePeople, SetRole};

fn put(path: &str, body: Value) -> Call {
    call(Method::PUT, path).json(body)
}

fn delete(path: &str) -> Call {
    call(Method::DELETE, path)
}

fn login(name: &str, password: &str) -> Call {
    let email = format!("{name}@x.example");
    post("/auth/login", json!({"email": email, "password": password, "session": "body"}))
}

fn path(answer: &Value) -> String {
    format!("/users/{}/ban", answer["user"]["id"])
}

impl House {
    /// Somebody new with a role.
    async fn with_role(&self, name: &str, role: Role) -> Value {
        let person = self.person(name).await;
        self.state.store.write(SetRole { handle: name.into(), role }).await.unwrap();
        person
    }

    async fn moderator(&self) -> Value {
        self.with_role("mo", Role::Moderator).await
    }

    fn after(&self, seconds: u64) -> String {
        self.clock.now().plus(Duration::from_secs(seconds)).to_string()
    }

    async fn done(&self, call: Call, by: &Value) {
        let reply = self.call(call.bearer(&by["access_token"])).await;
        reply.expect(StatusCode::NO_CONTENT);
    }

    async fn me(&self, who: &Value) -> Reply {
        self.call(get("/users/me").bearer(&who["access_token"])).await
    }
}

#[tokio::test]
async fn a_banned_person_is_kept_out_until_the_ban_is_lifted_and_everything_from_before_is_good_again() {
    let house = house(&[]).await;
    let (ada, mo) = (house.person("ada").await, house.moderator().await);
    house.done(put(&path(&ada), json!({"reason": "spam"})), &mo).await;
    house.me(&ada).await.problem(401, "unauthenticated");
    // Even where nobody needs to be signed in.
    house.call(get("/posts").bearer(&ada["access_token"])).await.problem(401, "unauthenticated");
    house.call(login("ada", "correct horse")).await.problem(403, "forbidden");
    house.call(login("ada", "wrong horse!")).await.problem(401, "unauthenticated");
    for _ in 0..2 {
        let refresh = post("/auth/refresh", json!({"refresh_token": ada["refresh_token"]}));
        house.call(refresh).await.problem(403, "forbidden");
    }
    house.call(get("/posts")).await.expect(StatusCode::OK);
    house.me(&mo).await.expect(StatusCode::OK);

    house.done(delete(&path(&ada)), &mo).await;
    house.done(delete(&path(&ada)), &mo).await;
    house.me(&ada).await.expect(StatusCode::OK);
    house.call(post("/auth/refresh", json!({"refresh_token": ada["refresh_token"]}))).await.expect(StatusCode::OK);
    house.call(login("ada", "correct horse")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_ban_with_an_end_ends_by_itself() {
    let house = house(&[]).await;
    let (ada, mo) = (house.person("ada").await, house.moderator().await);
    house.done(put(&path(&ada), json!({"until": house.after(60)})), &mo).await;
    house.pass(Duration::from_millis(59_999));
    house.me(&ada).await.problem(401, "unauthenticated");
    house.call(login("ada", "correct horse")).await.problem(403, "forbidden");
    house.pass(Duration::from_millis(1));
    house.me(&ada).await.expect(StatusCode::OK);
    house.call(login("ada", "correct horse")).await.expect(StatusCode::OK);
    let listed = house.call(get("/bans").bearer(&mo["access_token"])).await.expect(StatusCode::OK);
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn only_moderators_ban_and_only_people_below_them() {
    let house = house(&["--rate-limits", "off"]).await;
    let (ada, bob, mo) = (house.person("ada").await, house.person("bob").await, house.moderator().await);
    let (mia, root) = (house.with_role("mia", Role::Moderator).await, house.with_role("root", Role::Admin).await);
    for (by, whom) in [(&ada, &bob), (&ada, &ada), (&mo, &mo), (&mo, &mia), (&mo, &root), (&root, &root)] {
        for call in [put(&path(whom), json!({})), delete(&path(whom))] {
            house.call(call.bearer(&by["access_token"])).await.problem(403, "forbidden");
        }
    }
    house.call(put(&path(&ada), json!({}))).await.problem(401, "unauthenticated");
    house.call(delete(&path(&ada))).await.problem(401, "unauthenticated");
    for nobody in ["/users/999999/ban", "/users/0/ban", "/users/ada/ban"] {
        for call in [put(nobody, json!({})), delete(nobody)] {
            house.call(call.bearer(&mo["access_token"])).await.problem(404, "not_found");
        }
    }
    house.done(call(Method::PUT, &path(&ada)), &mo).await;
    house.done(put(&path(&mia), json!({})), &root).await;
    for banned in [&ada, &mia] {
        house.me(banned).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_terms_of_a_ban_hold_at_their_edges() {
    let house = house(&[]).await;
    let (ada, mo) = (house.person("ada").await, house.moderator().await);
    let now = house.clock.now();
    let soon = now.plus(Duration::from_millis(1)).to_string();
    for good in [
        json!({"until": null, "reason": null}),
        json!({"until": soon}),
        json!({"until": "2033-01-01T01:00:00+01:00"}),
        json!({"reason": "é".repeat(500)}),
    ] {
        house.done(put(&path(&ada), good), &mo).await;
    }
    for (bad, pointer) in [
        (json!({"until": now.to_string()}), "/until"),
        (json!({"until": "2001-01-01T00:00:00Z"}), "/until"),
        (json!({"until": "tomorrow"}), "/until"),
        (json!({"until": "2033-01-01"}), "/until"),
        (json!({"until": ""}), "/until"),
        (json!({"reason": "é".repeat(501)}), "/reason"),
        (json!({"reason": " "}), "/reason"),
        (json!({"reason": "a\u{0}b"}), "/reason"),
    ] {
        let reply = house.call(put(&path(&ada), bad.clone()).bearer(&mo["access_token"])).await;
        assert_eq!(reply.problem(422, "unprocessable"), [pointer], "{bad}");
    }
    for bad in [json!({"until": 2_000_000_000}), json!({"reason": true}), json!([])] {
        let reply = house.call(put(&path(&ada), bad).bearer(&mo["access_token"])).await;
        reply.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn moderators_see_who_is_banned_newest_first() {
    let house = house(&[]).await;
    let mo = house.moderator().await;
    let people = ["ada", "bob", "eve"].map(|handle| (handle.to_owned(), handle.to_uppercase())).to_vec();
    let people = house.state.store.write(EnsurePeople { people }).await.unwrap();
    let until = house.after(3_600);
    for (person, terms) in people.iter().zip([json!({"reason": "a\nb"}), json!({"until": until}), json!({})]) {
        house.done(put(&format!("/users/{}/ban", person.user.id), terms), &mo).await;
    }
    let list = |query: &str| get(&format!("/bans{query}"));
    let page = house.call(list("?limit=2").bearer(&mo["access_token"])).await.expect(StatusCode::OK);
    let handle = |item: &Value| item["user"]["handle"].as_str().unwrap().to_owned();
    assert_eq!(page["items"].as_array().unwrap().iter().map(handle).collect::<Vec<_>>(), ["eve", "bob"]);
    let eve = json!({
        "user": people[2].user, "until": null, "reason": null, "created_at": house.clock.now(),
        "by": {"id": mo["user"]["id"], "name": "mo", "handle": "mo", "avatar_url": null},
    });
    assert_eq!((&page["items"][0], &page["items"][1]["until"]), (&eve, &json!(until)));
    let rest = format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = house.call(list(&rest).bearer(&mo["access_token"])).await.expect(StatusCode::OK);
    assert_eq!((handle(&rest["items"][0]), &rest["next_cursor"]), ("ada".to_owned(), &Value::Null));
    assert_eq!(rest["items"][0]["reason"], "a\nb");
    for bad in ["?limit=0", "?cursor=x"] {
        house.call(list(bad).bearer(&mo["access_token"])).await.problem(400, "bad_request");
    }
    house.call(list("")).await.problem(401, "unauthenticated");
    let ada = house.person("nobody").await;
    house.call(list("").bearer(&ada["access_token"])).await.problem(403, "forbidden");
}
