//! What is remembered, until when, and what of it counts.

use super::*;
use crate::model::EventData;
use crate::protocol::codes::ErrorCode;
use crate::store::read::Revocation;

const ADA: UserId = UserId(1);
const NOW: Timestamp = Timestamp(6_000);

fn identity(session: i64, issued_at: i64) -> Identity {
    Identity {
        user_id: ADA,
        name: "Ada".into(),
        handle: "ada".into(),
        avatar_url: None,
        role: Role::User,
        session_id: SessionId(session),
        issued_at: Timestamp(issued_at),
        expires_at: Timestamp(100_000),
    }
}

fn event(data: EventData<'_>, seq: i64, at: i64) -> Event {
    data.at(Channel::Revocations, seq, Timestamp(at))
}

fn revoked(session: i64, until: i64) -> Event {
    let data = SessionRevoked { session_id: SessionId(session), user_id: ADA, until: Timestamp(until) };
    event(EventData::SessionRevoked(data), 1, 5_000)
}

fn banned(seq: i64, until: Option<i64>) -> Event {
    let data = UserBanned { user_id: ADA, until: until.map(Timestamp) };
    event(EventData::UserBanned(data), seq, 5_000)
}

fn unbanned(seq: i64) -> Event {
    event(EventData::UserUnbanned(UserUnbanned { user_id: ADA }), seq, 5_000)
}

#[test]
fn an_ended_session_is_remembered_until_its_last_token_has_ended() {
    let revocations = Revocations::default();
    assert!(revocations.check(&identity(7, 0), NOW).is_ok());
    revocations.apply(&revoked(7, 100_000));
    assert_eq!(revocations.check(&identity(7, 0), NOW).unwrap_err().code, ErrorCode::Forbidden);
    assert!(revocations.check(&identity(8, 0), NOW).is_ok());
    revocations.purge(Timestamp(100_000));
    assert!(revocations.has_ended(SessionId(7)));
    revocations.purge(Timestamp(160_000));
    assert!(!revocations.has_ended(SessionId(7)));
}

#[test]
fn what_the_store_remembers_counts_as_what_was_heard() {
    let revocations = Revocations::default();
    let session = Revocation { user_id: ADA, session_id: SessionId(7), until: Timestamp(9) };
    let people = vec![UserBanned { user_id: UserId(2), until: None }];
    assert!(revocations.load(&Revoked { sessions: vec![session], people }, 3));
    assert!(revocations.has_ended(SessionId(7)));
    assert!(revocations.admits(UserId(2), NOW).is_err() && revocations.admits(ADA, NOW).is_ok());
}

#[test]
fn a_ban_holds_until_it_ends_or_is_lifted_whatever_the_session() {
    let revocations = Revocations::default();
    revocations.apply(&banned(1, Some(8_000)));
    for session in [7, 8] {
        let at = |now| revocations.check(&identity(session, 0), Timestamp(now)).map_err(|error| error.code);
        assert_eq!(at(7_999), Err(ErrorCode::Forbidden));
        assert_eq!(at(8_000), Ok(Role::User));
    }
    revocations.apply(&banned(2, None));
    assert!(revocations.admits(ADA, Timestamp(i64::MAX)).is_err() && revocations.admits(UserId(2), NOW).is_ok());
    revocations.apply(&unbanned(3));
    assert!(revocations.admits(ADA, NOW).is_ok());
}

#[test]
fn a_ban_that_has_ended_is_forgotten_and_one_without_end_is_not() {
    let revocations = Revocations::default();
    let people = [(1, Some(8_000)), (2, None)].map(|(id, until)| (UserId(id), until.map(Timestamp)));
    let people = people.map(|(user_id, until)| UserBanned { user_id, until }).to_vec();
    revocations.load(&Revoked { people, ..Revoked::default() }, 1);
    revocations.purge(Timestamp(67_999));
    assert_eq!(revocations.known.read().bans.len(), 2);
    revocations.purge(Timestamp(68_000));
    assert_eq!(revocations.known.read().bans.keys().copied().collect::<Vec<_>>(), [UserId(2)]);
}

#[test]
fn bans_of_a_replaced_database_go_with_it_and_its_ended_sessions_stay() {
    let revocations = Revocations::default();
    revocations.apply(&revoked(7, 100_000));
    revocations.apply(&banned(2, None));
    assert!(!revocations.load(&Revoked::default(), 1), "older than what was heard");
    assert!(revocations.admits(ADA, NOW).is_err());
    revocations.replaced();
    assert!(revocations.load(&Revoked::default(), 1));
    assert!(revocations.admits(ADA, NOW).is_ok() && revocations.has_ended(SessionId(7)));
    revocations.apply(&banned(1, None));
    assert!(revocations.admits(ADA, NOW).is_ok(), "what was loaded knows of it already");
    revocations.apply(&banned(2, None));
    assert!(revocations.admits(ADA, NOW).is_err());
}

#[test]
fn a_changed_role_holds_for_tokens_from_before() {
    let revocations = Revocations::default();
    let change = |role, seq, at| event(EventData::RoleChanged(RoleChanged { user_id: ADA, role }), seq, at);
    revocations.apply(&change(Role::Moderator, 1, 5_500));
    assert_eq!(revocations.check(&identity(7, 5_000), NOW).unwrap(), Role::Moderator);
    assert_eq!(revocations.check(&identity(7, 6_000), NOW).unwrap(), Role::User);
    revocations.apply(&change(Role::User, 2, 6_500));
    assert_eq!(revocations.check(&identity(7, 5_000), NOW).unwrap(), Role::User);
}

#[test]
fn events_of_other_channels_say_nothing_here() {
    let revocations = Revocations::default();
    for mut event in [revoked(7, 100_000), banned(2, None)] {
        event.channel = Channel::User(ADA);
        revocations.apply(&event);
    }
    assert!(!revocations.has_ended(SessionId(7)) && revocations.admits(ADA, NOW).is_ok());
}
