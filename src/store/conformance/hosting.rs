//! People of the host's site, and the end of their tokens.

use super::accounts::session;
use super::support::*;
use crate::model::{Account, Channel, SessionId, Timestamp, UserId};
use crate::store::Rejection;
use crate::store::read::Revocation;
use crate::store::write::*;
use std::time::Duration;

fn says(external_id: &str, name: &str) -> HostPerson {
    HostPerson {
        external_id: external_id.into(),
        name: name.into(),
        base_handle: name.to_lowercase(),
        avatar_url: None,
        email: None,
    }
}

fn told(text: &str) -> Option<Option<String>> {
    Some(Some(text.to_owned()))
}

async fn ensure(p: &Process, people: Vec<HostPerson>) -> Vec<HostAccount> {
    p.done(EnsureHostPeople { people }).await
}

async fn one(p: &Process, person: HostPerson) -> HostAccount {
    ensure(p, vec![person]).await.remove(0)
}

/// Those of them that are there, in the order of the host's names for them.
async fn found(p: &Process, external_ids: &[&str]) -> Vec<Account> {
    let external_ids: Vec<String> = external_ids.iter().map(|id| (*id).to_owned()).collect();
    let mut found = p.store.read().host_people(&external_ids).await.unwrap();
    found.sort_by(|a, b| a.external_id.cmp(&b.external_id));
    found
}

fn by_hash(first: u8) -> SessionId {
    SessionId::of_host([first; 32])
}

pub async fn people_of_the_host_are_found_or_made_in_the_order_asked_for(db: &Database) {
    let p = db.process().await;
    let bob = one(&p, says("2", "Bob")).await;
    let kept = ensure(&p, vec![says("3", "Eve"), says("2", "Bob"), says("1", "Ada"), says("3", "Eve")]).await;
    let short: Vec<_> = kept.iter().map(|kept| (kept.account.user.handle.as_str(), kept.made)).collect();
    assert_eq!(short, [("eve", true), ("bob", false), ("ada", true), ("eve", false)]);
    assert_eq!((&kept[1].account, &kept[3].account), (&bob.account, &kept[0].account));
    for HostAccount { account, .. } in &kept {
        assert_eq!(p.head(Channel::User(account.user.id)).await.seq, 0);
        let read = p.store.read();
        assert_eq!(read.account(account.user.id).await.unwrap().as_ref(), Some(account));
        assert_eq!(found(&p, &[account.external_id.as_deref().unwrap()]).await, std::slice::from_ref(account));
    }
    assert_eq!(found(&p, &["ada", ""]).await, []);
    assert_eq!(found(&p, &[]).await, []);
    // Several at once, each once.
    let all = found(&p, &["3", "ada", "1", "2", "1"]).await;
    assert_eq!(all, [&kept[2], &kept[1], &kept[0]].map(|kept| kept.account.clone()));
    assert_eq!(p.person("cyd").await.external_id, None);
}

pub async fn what_the_host_says_replaces_what_is_kept_and_the_rest_stays(db: &Database) {
    let p = db.process().await;
    let whole =
        HostPerson { avatar_url: told("https://a.example/1"), email: told("ada@a.example"), ..says("1", "Ada") };
    let made = one(&p, whole).await.account;
    assert_eq!(
        (made.user.avatar_url.as_deref(), made.email.as_deref()),
        (Some("https://a.example/1"), Some("ada@a.example"))
    );
    assert_eq!((made.user.handle.as_str(), made.created_at), ("ada", p.store_now()));
    db.clock.advance(Duration::from_secs(1));
    let renamed = one(&p, says("1", "Countess")).await;
    assert!(!renamed.made);
    let renamed = renamed.account;
    assert_eq!((renamed.user.name.as_str(), renamed.user.handle.as_str()), ("Countess", "ada"));
    assert_eq!((&renamed.user.avatar_url, &renamed.email), (&made.user.avatar_url, &made.email));
    assert_eq!(renamed.created_at, made.created_at);
    let bare = one(&p, HostPerson { avatar_url: Some(None), email: Some(None), ..says("1", "Countess") }).await.account;
    assert_eq!((&bare.user.avatar_url, &bare.email), (&None, &None));
    assert_eq!(p.store.read().account(bare.user.id).await.unwrap(), Some(bare));
    let both = [HostPerson { email: told("x@a.example"), ..says("9", "First") }, says("9", "Second")];
    let both = ensure(&p, both.to_vec()).await;
    assert_eq!((both[1].account.user.name.as_str(), both[1].account.email.as_deref()), ("Second", Some("x@a.example")));
    assert!(p.told.events().is_empty(), "no channel tells of people");
}

pub async fn an_address_of_the_host_is_nobodys_to_sign_in_with(db: &Database) {
    let p = db.process().await;
    let registered = Register {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        password_hash: "$argon2id$".into(),
        handle: None,
        base_handle: "ada".into(),
        session: session(&p, 1),
    };
    let own = p.done(registered.clone()).await.account;
    for external_id in ["1", "2"] {
        let same = HostPerson { email: told("ada@example.org"), ..says(external_id, "Ada") };
        let account = one(&p, same).await.account;
        assert_eq!((account.email.as_deref(), account.user.id == own.user.id), (Some("ada@example.org"), false));
    }
    let credentials = p.store.read().credentials("ada@example.org").await.unwrap();
    assert_eq!(credentials.map(|(id, _)| id), Some(own.user.id));
    let taken = Register { session: session(&p, 2), ..registered };
    assert_eq!(p.refused(taken).await, Rejection::Conflict("email".into()));
    one(&p, HostPerson { email: told("bob@example.org"), ..says("3", "Bob") }).await;
    assert_eq!(p.store.read().credentials("bob@example.org").await.unwrap(), None);
}

pub async fn handles_of_people_of_the_host_are_made_unique(db: &Database) {
    let p = db.process().await;
    p.person("ada").await;
    let kept = ensure(&p, ["1", "2", "3"].map(|id| says(id, "Ada")).to_vec()).await;
    for HostAccount { account, .. } in &kept {
        assert_eq!(account.user.handle, format!("ada_{}", account.user.id));
    }
}

pub async fn a_person_of_the_host_first_seen_twice_at_once_is_one_person(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let people = || ["c", "a", "b"].map(|id| says(id, "Ada")).to_vec();
    let backwards = || people().into_iter().rev().collect::<Vec<_>>();
    let (a, b) = tokio::join!(ensure(&p, people()), ensure(&q, backwards()));
    let made = a.iter().chain(&b).filter(|kept| kept.made).count();
    assert_eq!(made, 3, "{a:?} {b:?}");
    for (one, other) in a.iter().zip(b.iter().rev()) {
        assert_eq!(one.account, other.account);
    }
    let group = (0..4).map(|_| EnsureHostPeople { people: vec![says("new", "Eve")] }.into()).collect();
    let results = p.group(group).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(found(&p, &["new"]).await[0].user.handle, "eve");
}

pub async fn many_people_of_the_host_are_made_at_once_and_some_of_them_elsewhere(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    // Of a hundred names each is borne by three, and a third of all is told of twice at the same time.
    let told = |range: std::ops::Range<usize>| range.map(|n| says(&format!("n{n:03}"), &format!("P{}", n % 100)));
    let (a, b) = tokio::join!(ensure(&p, told(0..200).collect()), ensure(&q, told(100..300).rev().collect()));
    assert_eq!(a.iter().chain(&b).filter(|kept| kept.made).count(), 300);
    let mut handles: Vec<_> = a.iter().chain(&b).map(|kept| kept.account.user.handle.as_str()).collect();
    handles.sort_unstable();
    handles.dedup();
    assert_eq!(handles.len(), 300);
    let plain = handles.iter().filter(|handle| !handle.contains('_')).count();
    assert_eq!(plain, 100);
    for HostAccount { account, .. } in a.iter().chain(&b) {
        assert_eq!(p.head(Channel::User(account.user.id)).await.seq, 0);
    }
}

pub async fn a_token_of_the_host_is_revoked_until_it_ends(db: &Database) {
    let p = db.process().await;
    let ada = one(&p, says("1", "Ada")).await.account.user.id;
    let until = p.store_now().plus(Duration::from_secs(60));
    let end = |sessions: &[u8]| EndHostSessions {
        user_id: ada,
        sessions: sessions.iter().map(|first| (by_hash(*first), until)).collect(),
        everywhere: false,
    };
    p.done(end(&[1])).await;
    p.done(end(&[1])).await;
    p.done(end(&[2, 1, 2, 3])).await;
    p.done(end(&[])).await;
    let mut sessions: Vec<SessionId> = [1, 2, 3].map(by_hash).to_vec();
    sessions.sort_unstable();
    let Versioned { value, seq } = p.store.read().revocations().await.unwrap();
    let revoked = |session_id| Revocation { user_id: ada, session_id, until };
    assert_eq!((value.sessions, seq), (sessions.into_iter().map(revoked).collect(), 3));
    let log = p.log(Channel::Revocations).await;
    assert_eq!(kinds(&log), ["session.revoked"; 3]);
    assert_eq!(data(&log[0])["session_id"], serde_json::json!(by_hash(1)));

    let prune = || Prune { events_before: Timestamp(0), events_per_channel: 10_000, at_most: 100 };
    assert_eq!(p.done(prune()).await.rows, 0);
    db.clock.advance(Duration::from_secs(60));
    assert_eq!(p.done(prune()).await.rows, 3);
}

pub async fn everywhere_ends_tokens_of_the_host_and_sessions_alike(db: &Database) {
    let p = db.process().await;
    let (ada, bob): (UserId, UserId) = (one(&p, says("1", "Ada")).await.account.user.id, p.user("bob").await);
    let own = p.done(OpenSession { user_id: ada, session: session(&p, 1) }).await.session_id;
    p.done(OpenSession { user_id: bob, session: session(&p, 2) }).await;
    let until = p.store_now().plus(Duration::from_secs(60));
    p.done(EndHostSessions { user_id: ada, sessions: vec![(by_hash(1), until)], everywhere: true }).await;
    let revoked = p.store.read().revocations().await.unwrap().value.sessions;
    assert_eq!(revoked.iter().map(|one| one.session_id).collect::<Vec<_>>(), [by_hash(1), own]);
    assert_eq!(kinds(&p.told.events()), ["session.revoked"; 2]);
}
