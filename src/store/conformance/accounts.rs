//! People and the keys of back ends.

use super::support::*;
use crate::model::{Channel, Role, UserId};
use crate::store::Rejection;
use crate::store::read::ApiKey;
use crate::store::write::*;
use serde_json::json;
use std::time::Duration;

pub(super) fn session(process: &Process, refresh: u8) -> NewSession {
    let now = process.store_now();
    NewSession {
        refresh_hash: Some([refresh; 32]),
        refresh_expires_at: now.plus(Duration::from_secs(30 * 86_400)),
        access_expires_at: now.plus(Duration::from_secs(900)),
        in_body: false,
    }
}

fn register(process: &Process, email: &str, base_handle: &str) -> Register {
    // Hashes of refresh tokens never meet; those of tests are told apart by the address.
    let refresh = email.bytes().fold(1u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    Register {
        name: "Ada Lovelace".into(),
        email: email.into(),
        password_hash: "$argon2id$".into(),
        handle: None,
        base_handle: base_handle.into(),
        session: session(process, refresh),
    }
}

pub async fn a_new_person_has_an_account_a_channel_and_a_session(db: &Database) {
    let p = db.process().await;
    let Opened { account, session_id } = p.done(register(&p, "ada@example.org", "ada_lovelace")).await;
    assert!(session_id.0 > 0);
    assert_eq!((account.user.name.as_str(), account.user.handle.as_str()), ("Ada Lovelace", "ada_lovelace"));
    assert_eq!((account.email.as_deref(), account.role), (Some("ada@example.org"), Role::User));
    assert_eq!(account.created_at, p.store_now());
    let id = account.user.id;
    let read = p.store.read();
    assert_eq!(read.account(id).await.unwrap(), Some(account));
    assert_eq!(read.credentials("ada@example.org").await.unwrap(), Some((id, "$argon2id$".to_owned())));
    assert_eq!(read.credentials("bob@example.org").await.unwrap(), None);
    assert_eq!(read.account(UserId(999_999)).await.unwrap(), None);
    assert_eq!(p.head(Channel::User(id)).await.seq, 0);
}

pub async fn an_address_is_one_persons_in_any_case(db: &Database) {
    let p = db.process().await;
    p.done(register(&p, "Ada@Example.org", "ada")).await;
    for email in ["ada@example.org", "ADA@EXAMPLE.ORG"] {
        assert_eq!(p.refused(register(&p, email, "other")).await, Rejection::Conflict("email".into()));
        assert!(p.store.read().credentials(email).await.unwrap().is_some());
    }
}

pub async fn an_address_registered_twice_at_once_is_one_person(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let (a, b) =
        tokio::join!(p.write(register(&p, "ada@example.org", "a")), q.write(register(&q, "ada@example.org", "b")));
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
    let in_one_group =
        p.group(vec![register(&p, "bob@example.org", "c").into(), register(&p, "bob@example.org", "d").into()]).await;
    assert_eq!(in_one_group.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}

pub async fn a_person_who_cannot_be_made_whole_is_not_made_at_all(db: &Database) {
    let p = db.process().await;
    let ada = p.done(register(&p, "ada@example.org", "ada")).await.account.user.id;
    // A refresh token that is there already: found out when the person and the channel are written.
    let broken = Register { session: session(&p, 5), ..register(&p, "bob@example.org", "bob") };
    p.done(OpenSession { user_id: ada, session: session(&p, 5) }).await;
    let next = Channel::User(UserId(ada.0 + 1));
    let results =
        p.group(vec![broken.clone().into(), publish(next, "1").into(), publish(Channel::User(ada), "1").into()]).await;
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(p.store.read().credentials("bob@example.org").await.unwrap(), None);
    assert!(p.store.read().heads(&[next]).await.unwrap().is_empty());
    let whole = p.done(Register { session: session(&p, 6), ..broken }).await.account.user;
    assert_eq!(whole.handle, "bob");
}

pub async fn a_handle_asked_for_must_be_free_and_a_derived_one_is_made_so(db: &Database) {
    let p = db.process().await;
    let with_handle =
        |email: &str, handle: &str| Register { handle: Some(handle.into()), ..register(&p, email, "ada") };
    p.done(with_handle("a@example.org", "ada")).await;
    assert_eq!(p.refused(with_handle("b@example.org", "ada")).await, Rejection::Conflict("handle".into()));
    let derived = p.done(register(&p, "c@example.org", "ada")).await.account.user;
    assert_eq!(derived.handle, format!("ada_{}", derived.id));

    let long = "x".repeat(30);
    p.done(register(&p, "d@example.org", &long)).await;
    let cut = p.done(register(&p, "e@example.org", &long)).await.account.user;
    assert_eq!((cut.handle.len(), cut.handle.ends_with(&format!("x_{}", cut.id))), (30, true));

    // Somebody took just what would have been made next.
    p.done(with_handle("f@example.org", &format!("ada_{}", cut.id.0 + 2))).await;
    let unlucky = p.done(register(&p, "g@example.org", "ada")).await.account.user;
    assert!(unlucky.handle.starts_with("ada_"), "{}", unlucky.handle);
    assert_eq!(p.store.read().account(unlucky.id).await.unwrap().unwrap().user, unlucky);
}

pub async fn people_change_what_they_say_of_themselves(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.person("ada").await, p.person("bob").await);
    let nothing = UpdateAccount { user_id: ada.user.id, name: None, handle: None, avatar_url: None };
    assert_eq!(p.done(nothing.clone()).await, ada);
    let avatar_url = Some(Some("https://example.org/a.png".to_owned()));
    let all =
        UpdateAccount { name: Some("Ada!".into()), handle: Some("countess".into()), avatar_url, ..nothing.clone() };
    let changed = p.done(all).await;
    assert_eq!((changed.user.name.as_str(), changed.user.handle.as_str()), ("Ada!", "countess"));
    assert_eq!(changed.user.avatar_url.as_deref(), Some("https://example.org/a.png"));
    assert_eq!(p.store.read().account(ada.user.id).await.unwrap(), Some(changed));
    let taken = UpdateAccount { handle: Some(bob.user.handle.clone()), ..nothing.clone() };
    assert_eq!(p.refused(taken).await, Rejection::Conflict("handle".into()));
    let own = UpdateAccount { handle: Some("countess".into()), avatar_url: Some(None), ..nothing.clone() };
    assert_eq!(p.done(own).await.user.avatar_url, None);
    assert_eq!(p.refused(UpdateAccount { user_id: UserId(999_999), ..nothing }).await, Rejection::NotFound("user"));

    let post = p.post(ada.user.id).await;
    assert_eq!(post.author.unwrap().handle, "countess");
}

pub async fn people_are_found_by_handle_or_made_in_the_order_asked_for(db: &Database) {
    let p = db.process().await;
    let bob = p.person("bob").await;
    let people = ["ada", "bob", "eve", "ada"].map(|handle| (handle.to_owned(), "A name".to_owned())).to_vec();
    let found = p.done(EnsurePeople { people: people.clone() }).await;
    assert_eq!(found.iter().map(|a| a.user.handle.as_str()).collect::<Vec<_>>(), ["ada", "bob", "eve", "ada"]);
    assert_eq!((&found[1], &found[0]), (&bob, &found[3]));
    assert_eq!((found[0].user.name.as_str(), &found[0].email), ("A name", &None));
    for account in &found {
        assert_eq!(p.head(Channel::User(account.user.id)).await.seq, 0);
    }
    assert_eq!(p.done(EnsurePeople { people }).await, found);
}

pub async fn a_role_that_changes_is_told_to_the_instances(db: &Database) {
    let p = db.process().await;
    let ada = p.person("ada").await;
    assert_eq!(ada.role, Role::User);
    let set = |handle: &str, role| SetRole { handle: handle.into(), role };
    let changed = p.done(set("ada", Role::Moderator)).await;
    assert_eq!((changed.role, changed.user.id), (Role::Moderator, ada.user.id));
    p.done(set("ada", Role::Moderator)).await;
    assert_eq!(p.refused(set("nobody", Role::Admin)).await, Rejection::NotFound("user"));
    assert_eq!(p.store.read().account(ada.user.id).await.unwrap().unwrap().role, Role::Moderator);
    let log = p.log(Channel::Revocations).await;
    assert_eq!(kinds(&log), ["role.changed"]);
    assert_eq!(data(&log[0]), json!({ "user_id": ada.user.id, "role": "moderator" }));
    assert_eq!(told(&p.told.events()[0]), told(&log[0]));
}

pub async fn an_api_key_is_found_by_its_hash_alone(db: &Database) {
    let p = db.process().await;
    let scopes = vec!["publish".to_owned(), "posts".to_owned()];
    let id = p.done(CreateApiKey { name: "ci".into(), hash: [7; 32], scopes: scopes.clone() }).await;
    let read = p.store.read();
    assert_eq!(read.api_key([7; 32]).await.unwrap(), Some(ApiKey { id, name: "ci".into(), scopes }));
    assert_eq!(read.api_key([8; 32]).await.unwrap(), None);
}
