//! How a socket says who it is: `connect`, a header of the upgrade, or the door it came by.

use super::session::{Entrance, Session, Who, error_body};
use crate::domain::{DomainError, Identity};
use crate::hub::Prepared;
use crate::model::{Channel, UserRef};
use crate::protocol::client::Subscription;
use crate::protocol::codes::{CloseCode, ErrorCode};
use crate::protocol::server::{Me, Refused, Welcome};
use bytes::Bytes;
use std::sync::Arc;

/// Most bytes of events in one message; the rest follows one by one.
pub(super) const RECOVERY_BYTES: usize = 64 * 1024;

impl Session {
    /// What is said before anything was asked.
    pub(super) async fn greet(&mut self, identity: Option<Identity>) {
        match (self.entrance, identity) {
            (Entrance::Live(post), _) => {
                self.who = Who::Anonymous;
                self.socket.end_with_next();
                self.welcome(None, Vec::new(), Vec::new());
                self.follow_own(Channel::Post(post)).await;
            }
            (_, Some(identity)) => {
                if self.sign_in(None, identity) {
                    self.welcome(None, Vec::new(), Vec::new());
                    self.follow_notifications().await;
                }
            }
            (_, None) => {}
        }
    }

    /// `connect`.
    pub(super) async fn on_connect(&mut self, id: Option<u64>, token: Option<&str>, subscriptions: Vec<Subscription>) {
        match (&self.who, token) {
            (Who::Person(_), _) => {
                return self.fail(id, &DomainError::conflict("this socket is signed in already"));
            }
            (_, Some(token)) => match self.sockets.accounts.authenticate(token).await {
                Ok(identity) => {
                    if !self.sign_in(id, identity) {
                        return;
                    }
                }
                Err(error) => return self.fail_and_close(id, &error),
            },
            (_, None) if self.entrance == Entrance::Notifications => {
                return self.fail_and_close(id, &DomainError::unauthenticated("sign in to hear of notifications"));
            }
            (_, None) => {
                self.who = Who::Anonymous;
                self.socket.greeted();
            }
        }
        let mut answers = Vec::with_capacity(subscriptions.len());
        let mut prepared: Vec<Prepared> = Vec::with_capacity(subscriptions.len());
        let mut budget = RECOVERY_BYTES;
        for asked in subscriptions {
            match self.prepare(&asked, &prepared, &mut budget).await {
                Ok(granted) => {
                    prepared.push(granted);
                    answers.push((asked.channel, None));
                }
                Err(error) => answers.push((asked.channel, Some(error))),
            }
        }
        self.welcome(id, answers, prepared);
        self.follow_notifications().await;
    }

    /// Takes an identity for this socket's; closes it and returns false if its session has just ended.
    fn sign_in(&mut self, id: Option<u64>, identity: Identity) -> bool {
        self.socket.identify(identity.user_id, identity.session_id, identity.expires_at, || identity.user());
        // Looked at again: an end that came before the socket could be found by it is not missed.
        if let Err(error) = self.sockets.accounts.recheck(&identity) {
            self.fail_and_close(id, &error);
            return false;
        }
        self.who = Who::Person(Arc::new(identity));
        true
    }

    /// Says `welcome`; `answers` are the channels asked for with why they are refused, `prepared` those that are not.
    fn welcome(&self, id: Option<u64>, answers: Vec<(String, Option<DomainError>)>, prepared: Vec<Prepared>) {
        let identity = self.person();
        let me = identity.map(|identity| Me {
            id: identity.user_id,
            name: identity.name.clone(),
            handle: identity.handle.clone(),
            role: identity.role,
        });
        let connection = self.socket.name();
        let heartbeat_ms = self.sockets.config.sockets.heartbeat.as_millis() as u64;
        let expires_at = identity.map(|identity| identity.expires_at);
        let welcome = Welcome::new(id, &connection, me, heartbeat_ms, expires_at);
        let codec = self.socket.codec;
        self.socket.follow(
            prepared,
            || self.face(),
            |granted| {
                let mut granted = granted.into_iter();
                let mut body = |(channel, refused): (String, Option<DomainError>)| -> Bytes {
                    let refused = match refused {
                        Some(error) => error,
                        None => match granted.next().flatten() {
                            Some(subscribed) => return subscribed.encode(codec, None),
                            None => over(),
                        },
                    };
                    codec.encode(&Refused { channel: &channel, error: error_body(&refused) }).into()
                };
                let bodies: Vec<Bytes> = answers.into_iter().map(&mut body).collect();
                Some(welcome.frame(codec, &bodies))
            },
        );
    }

    async fn follow_notifications(&mut self) {
        if let (Entrance::Notifications, Some(identity)) = (self.entrance, self.person()) {
            let own = Channel::User(identity.user_id);
            self.follow_own(own).await;
        }
    }

    /// Follows the one channel of a shortcut, which is over without it.
    async fn follow_own(&mut self, channel: Channel) {
        let asked = Subscription { channel: channel.name(), epoch: None, since: None, presence: None };
        match self.prepare(&asked, &[], &mut 0).await {
            Ok(prepared) => {
                self.answer_subscribed(Some(0), prepared);
            }
            Err(error) => {
                self.fail(Some(0), &error);
                self.close(if error.code == ErrorCode::NotFound { CloseCode::NotFound } else { CloseCode::Internal });
            }
        }
    }

    /// Who is seen in rooms.
    pub(super) fn face(&self) -> Option<UserRef> {
        self.person().map(|identity| identity.user())
    }

    pub(super) fn person(&self) -> Option<&Arc<Identity>> {
        match &self.who {
            Who::Person(identity) => Some(identity),
            Who::Unknown | Who::Anonymous => None,
        }
    }
}

/// A channel that was followed and ended while the others were looked for.
pub(super) fn over() -> DomainError {
    DomainError::not_found("the channel is no more")
}
