//! Credentials from the command line, and what each kind of credential is good for.

use super::*;
use axum::routing;
use belfry::domain::credentials::SCOPES;
use belfry::domain::{DomainError, Identity};
use belfry::http::{Caller, ClientAddress, IdempotencyKey, KeyWith, MaybePerson, PathId, Person, scope};
use belfry::model::{PostId, Role};
use belfry::store::write::SetRole;

impl House {
    /// The same house with rooms of every kind of credential.
    fn rooms(&self) -> Router {
        let whoever = async |caller: Caller| match caller {
            Caller::Anonymous => "nobody".to_owned(),
            Caller::Person(who) => who.handle,
            Caller::Key(key) => key.name,
        };
        let person = async |Person(who): Person| who.role.name();
        let maybe = async |MaybePerson(who): MaybePerson| who.map_or("nobody".into(), |who: Identity| who.handle);
        let publish = async |KeyWith(key, _): KeyWith<scope::Publish>| key.name;
        let key = async |key: IdempotencyKey| -> Result<String, DomainError> {
            Ok(key.with_body(Some("same"))?.unwrap_or_default().to_owned())
        };
        let id = async |PathId(id): PathId<PostId>| id.to_string();
        let address = async |ClientAddress(address): ClientAddress| address.to_string();
        let routes = Router::new()
            .route("/whoever", routing::get(whoever))
            .route("/person", routing::get(person))
            .route("/maybe", routing::get(maybe))
            .route("/publish", routing::get(publish))
            .route("/key", routing::get(key))
            .route("/id/{id}", routing::get(id))
            .route("/address", routing::get(address));
        http::finish(routes, self.state.clone())
    }
}

async fn ask(rooms: &Router, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let call = headers.iter().fold(get(&format!("/{path}")), |call, (name, value)| call.header(name, value));
    let response = rooms.clone().oneshot(call.request()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn tokens_of_the_command_line_are_of_people_found_by_handle() {
    let house = house(&[]).await;
    let hour = Duration::from_secs(3_600);
    let accounts = &house.state.accounts;
    let one = accounts.people("Ada", None, hour).await.unwrap();
    let again = accounts.people("ada", None, hour).await.unwrap();
    let many = accounts.people("Ada", Some(300), hour).await.unwrap();
    let me = async |token: &String| house.call(get("/users/me").bearer(&json!(token))).await.expect(StatusCode::OK);
    let ada = me(&one[0]).await;
    assert_eq!((&ada["name"], &ada["handle"], &ada["email"]), (&json!("Ada"), &json!("ada"), &Value::Null));
    assert_eq!(me(&again[0]).await, ada);
    assert_eq!(many.len(), 300);
    for number in [1, 2, 300] {
        let who = me(&many[number - 1]).await;
        assert_eq!((&who["name"], &who["handle"]), (&json!(format!("Ada {number}")), &json!(format!("ada_{number}"))));
    }
    house.call(call(Method::POST, "/auth/logout").bearer(&json!(one[0]))).await.expect(StatusCode::NO_CONTENT);
    house.call(get("/users/me").bearer(&json!(one[0]))).await.problem(401, "unauthenticated");
    me(&again[0]).await;
    house.pass(hour);
    house.call(get("/users/me").bearer(&json!(again[0]))).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn numbered_people_stay_apart_however_long_their_name_is() {
    let house = house(&[]).await;
    let name = "x".repeat(50);
    let tokens = house.state.accounts.people(&name, Some(12), Duration::from_secs(60)).await.unwrap();
    let mut handles = std::collections::BTreeSet::new();
    for token in &tokens {
        let me = house.call(get("/users/me").bearer(&json!(token))).await.expect(StatusCode::OK);
        handles.insert(me["handle"].as_str().unwrap().to_owned());
    }
    assert_eq!(handles.len(), 12);
    assert!(handles.iter().all(|handle| handle.len() <= 30));
}

#[tokio::test]
async fn each_kind_of_credential_opens_its_own_doors() {
    let house = house(&[]).await;
    let rooms = house.rooms();
    let person = house.person("ada").await;
    let person = format!("Bearer {}", person["access_token"].as_str().unwrap());
    let accounts = &house.state.accounts;
    let all = SCOPES.map(str::to_owned).to_vec();
    let key = format!("bearer {}", accounts.make_api_key("blog", all).await.unwrap());
    let other = format!("Bearer {}", accounts.make_api_key("shop", vec!["notify".into()]).await.unwrap());
    let of = async |path: &str, headers: &[(&str, &str)]| {
        let (status, body) = ask(&rooms, path, headers).await;
        if status == 200 { body } else { status.to_string() }
    };
    let credential = "authorization";
    for (path, nobody, ada, blog, shop, unknown) in [
        ("/whoever", "nobody", "ada", "blog", "shop", "401"),
        ("/maybe", "nobody", "ada", "nobody", "nobody", "401"),
        ("/person", "401", "user", "403", "403", "401"),
        ("/publish", "401", "403", "blog", "403", "401"),
    ] {
        assert_eq!(of(path, &[]).await, nobody, "{path}");
        assert_eq!(of(path, &[(credential, "Basic YTpi")]).await, nobody, "{path}");
        assert_eq!(of(path, &[(credential, &person)]).await, ada, "{path}");
        assert_eq!(of(path, &[(credential, &key)]).await, blog, "{path}");
        assert_eq!(of(path, &[(credential, &other)]).await, shop, "{path}");
        for bad in ["Bearer bk_unknown", "Bearer x", "Bearer ", "Bearer"] {
            assert_eq!(of(path, &[(credential, bad)]).await, unknown, "{path} {bad}");
        }
        assert_eq!(of(path, &[(credential, &person), (credential, &person)]).await, "401");
        // A key in a page is a leaked key, from whatever origin.
        assert_eq!(of(path, &[(credential, &key), ("origin", OWN)]).await, "403", "{path}");
        assert_eq!(of(path, &[(credential, "Bearer bk_unknown"), ("origin", OWN)]).await, "401", "{path}");
    }
}

#[tokio::test]
async fn a_changed_role_holds_at_once_for_tokens_from_before() {
    let house = house(&[]).await;
    let rooms = house.rooms();
    let ada = house.person("ada").await;
    let bearer = format!("Bearer {}", ada["access_token"].as_str().unwrap());
    let role = async || ask(&rooms, "/person", &[("authorization", &bearer)]).await.1;
    assert_eq!(role().await, "user");
    let account = house.state.store.write(SetRole { handle: "ada".into(), role: Role::Moderator }).await.unwrap();
    assert_eq!(account.role, Role::Moderator);
    assert_eq!(role().await, "moderator");
}

#[tokio::test]
async fn an_idempotency_key_is_held_to_its_bounds_in_the_header_as_in_the_body() {
    let house = house(&[]).await;
    let rooms = house.rooms();
    let name = "idempotency-key";
    assert_eq!(ask(&rooms, "/key", &[]).await, (200, "same".into()));
    assert_eq!(ask(&rooms, "/key", &[(name, "same")]).await, (200, "same".into()));
    assert_eq!(ask(&rooms, "/key", &[(name, "same"), (name, "same")]).await.0, 200);
    assert_eq!(ask(&rooms, "/key", &[(name, "other")]).await.0, 400);
    assert_eq!(ask(&rooms, "/key", &[(name, "same"), (name, "other")]).await.0, 400);
    assert_eq!(ask(&rooms, "/key", &[(name, &"k".repeat(64))]).await.0, 400);
    for bad in ["", "a b", "ä", &"k".repeat(65)] {
        assert_eq!(ask(&rooms, "/key", &[(name, bad)]).await.0, 422, "{bad:?}");
    }
}

#[tokio::test]
async fn a_path_that_holds_no_id_leads_nowhere() {
    let house = house(&[]).await;
    let rooms = house.rooms();
    assert_eq!(ask(&rooms, "/id/42", &[]).await, (200, "42".into()));
    assert_eq!(ask(&rooms, "/id/9007199254740991", &[]).await.0, 200);
    for bad in ["0", "-1", "007", "9007199254740992", "x", "%ff", "1%20"] {
        assert_eq!(ask(&rooms, &format!("/id/{bad}"), &[]).await.0, 404, "{bad}");
    }
}

#[tokio::test]
async fn the_database_keeps_no_secret_as_it_is() {
    let house = house(&[]).await;
    let ada = house.person("ada").await;
    let key = house.state.accounts.make_api_key("blog", vec!["publish".into()]).await.unwrap();
    house.state.store.close().await;
    let secrets =
        [ada["refresh_token"].as_str().unwrap(), ada["access_token"].as_str().unwrap(), &key, "correct horse"];
    let mut looked_at = 0;
    for entry in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        looked_at += bytes.len();
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    assert!(looked_at > 4_096);
}
