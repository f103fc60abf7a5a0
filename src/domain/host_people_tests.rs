//! How much is remembered, and for how long. What is done with it is tested from outside, over a store.

use super::*;
use crate::model::{Role, SessionId, UserId, UserRef};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn known(id: i64, read: Instant) -> Known {
    let user =
        UserRef { id: UserId(id), name: "Ada".into(), handle: "ada".into(), avatar_url: Some("http://a/".into()) };
    let external_id = Some(id.to_string());
    let account = Account { user, email: None, external_id, role: Role::Moderator, created_at: NOW };
    Known { account, signed_at: NOW, read, role_at: NOW.minus(ROLE_MARGIN) }
}

fn remembered(most: usize) -> (Remembered, Arc<str>) {
    let epoch: Arc<str> = "a".into();
    let half = (most / 2).max(1);
    (Remembered { epoch: epoch.clone(), half, young: HashMap::new(), old: HashMap::new() }, epoch)
}

fn token(name: &str, picture: Option<Option<&str>>) -> HostToken {
    HostToken {
        external_id: "1".into(),
        name: name.into(),
        picture: picture.map(|url| url.map(str::to_owned)),
        signed_at: NOW,
        expires_at: NOW,
        session_id: SessionId(-7),
    }
}

#[expect(clippy::disallowed_methods, reason = "somewhere a clock must begin")]
fn begun() -> Instant {
    Instant::now()
}

#[test]
fn no_more_people_are_remembered_than_may_be() {
    let now = begun();
    for most in [1, 2, 7, 10] {
        let (mut remembered, epoch) = remembered(most);
        for id in 1..=50 {
            remembered.put(&id.to_string(), &epoch, known(id, now));
            assert!(remembered.young.len() + remembered.old.len() <= most.max(2), "{most}");
        }
        assert!(remembered.get("50", &epoch, now).is_some() && remembered.get("1", &epoch, now).is_none());
    }
}

#[test]
fn what_was_read_is_believed_for_ten_minutes_and_of_its_own_database() {
    let now = begun();
    let (mut remembered, epoch) = remembered(10);
    remembered.put("1", &epoch, known(1, now));
    assert!(remembered.get("1", &epoch, now + BELIEVED - Duration::from_millis(1)).is_some());
    assert!(remembered.get("1", &epoch, now + BELIEVED).is_none());
    let other: Arc<str> = "b".into();
    // Read from the one database, kept when it was another already: nobody's.
    remembered.put("2", &other, known(2, now));
    assert!(remembered.get("2", &epoch, now).is_none());
    assert!(remembered.get("1", &other, now).is_none());
    assert!(remembered.get("1", &epoch, now).is_none());
}

#[test]
fn a_token_says_what_it_says_and_leaves_the_rest() {
    let account = known(1, begun()).account;
    for (token, same) in [
        (token("Ada", None), true),
        (token("Ada", Some(Some("http://a/"))), true),
        (token("Ada", Some(None)), false),
        (token("Ada", Some(Some("http://b/"))), false),
        (token("Ida", None), false),
    ] {
        assert_eq!(says(&token, &account), same, "{token:?}");
    }
}

#[test]
fn the_role_is_of_the_row_and_the_name_of_the_token() {
    let identity = identity(token("Ida", None), known(1, begun()));
    assert_eq!((identity.name.as_str(), identity.handle.as_str()), ("Ida", "ada"));
    assert_eq!((identity.role, identity.avatar_url.as_deref()), (Role::Moderator, Some("http://a/")));
    // Before it was read, so that a change in between is not taken for an older one.
    assert_eq!(identity.issued_at, NOW.minus(ROLE_MARGIN));
    assert_eq!(identity.session_id, SessionId(-7));
}
