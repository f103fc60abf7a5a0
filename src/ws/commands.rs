//! What clients ask for, carried out one after the other and answered.

use super::handshake::{RECOVERY_BYTES, over};
use super::session::{Session, Who, error_body};
use crate::domain::comments::NewComment;
use crate::domain::{DomainError, Identity, channels};
use crate::hub::{Prepared, SubscribeError};
use crate::metrics;
use crate::model::{Channel, CommentId};
use crate::protocol::client::{self, ClientMessage, Command, Subscription};
use crate::protocol::codes::{CloseCode, ErrorCode};
use crate::protocol::server::{Sender, ServerMessage};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::{Instrument, Span};

impl Session {
    pub(super) async fn on_command(&mut self, command: Command) {
        let Command { id, message } = command;
        metrics::command(message.kind());
        let cost = match &message {
            // More than fits at once would be refused for ever; channels above the bound are refused one by one.
            ClientMessage::Connect { subscriptions: Some(asked), .. } => {
                (1 + asked.len() as u32).min(self.sockets.config.limits.command_burst)
            }
            _ => 1,
        };
        if !self.take_commands(id, cost) {
            return;
        }
        // One span a command: one a socket would cost each idle one its memory. The quickest have nothing to log.
        let span = match &message {
            ClientMessage::Typing { .. } | ClientMessage::Signal { .. } | ClientMessage::Ping {} => Span::none(),
            _ => tracing::info_span!("socket", connection = self.socket.name()),
        };
        self.carry_out(id, message).instrument(span).await;
    }

    async fn carry_out(&mut self, id: Option<u64>, message: ClientMessage) {
        if let ClientMessage::Connect { token, client, subscriptions } = message {
            tracing::debug!(client, "connect");
            return self.on_connect(id, token.as_deref(), subscriptions.unwrap_or_default()).await;
        }
        if matches!(self.who, Who::Unknown) {
            return self.fail(id, &DomainError::unauthenticated("say `connect` first"));
        }
        if let Some(error) = self.recheck() {
            return self.fail_and_close(id, &error);
        }
        let answer = match message {
            ClientMessage::Connect { .. } => return,
            ClientMessage::Subscribe(asked) => return self.on_subscribe(id, asked).await,
            ClientMessage::Ping {} => {
                if let Some(id) = id {
                    self.socket.send(&ServerMessage::Pong { id });
                }
                return;
            }
            ClientMessage::Unsubscribe { channel } => self.on_unsubscribe(&channel),
            ClientMessage::Refresh { token } => self.on_refresh(&token).await,
            ClientMessage::Typing { channel } => self.on_typing(&channel),
            ClientMessage::Signal { channel, data } => self.on_signal(&channel, &data),
            ClientMessage::CommentCreate { post_id, parent_id, body, key } => {
                self.on_create(post_id, parent_id, body, key).await
            }
            ClientMessage::CommentEdit { comment_id, body } => self.on_edit(comment_id, body).await,
            ClientMessage::CommentDelete { comment_id } => self.on_delete(comment_id).await,
            ClientMessage::NotificationsRead { ids, all } => self.on_read(ids, all).await,
            ClientMessage::CommentReact { comment_id, emoji, on } => self.on_react(comment_id, &emoji, on).await,
        };
        match (answer, id) {
            (Ok(data), Some(id)) => self.socket.send(&ServerMessage::Reply { id, data }),
            (Ok(_), None) => {}
            (Err(error), id) => self.fail(id, &error),
        }
    }

    /// Whether the person may still ask for anything; takes over a changed role.
    fn recheck(&mut self) -> Option<DomainError> {
        let Who::Person(identity) = &mut self.who else { return None };
        match self.sockets.accounts.recheck(identity) {
            Ok(role) => {
                if role != identity.role {
                    Arc::make_mut(identity).role = role;
                }
                None
            }
            Err(error) => Some(error),
        }
    }

    fn signed_in(&self) -> Result<Arc<Identity>, DomainError> {
        self.person().cloned().ok_or_else(|| DomainError::unauthenticated("sign in to do this"))
    }

    /// Finds out whether and from where a channel may be followed; `others` are subscriptions about to begin.
    pub(super) async fn prepare(
        &self,
        asked: &Subscription,
        others: &[Prepared],
        budget: &mut usize,
    ) -> Result<Prepared, DomainError> {
        let caller = self.person().map(Arc::as_ref);
        let channel = channels::resolve(caller, &asked.channel)?;
        channels::may_subscribe(caller, channel)?;
        if others.iter().any(|other| other.channel == channel) {
            return Err(DomainError::conflict("this channel is asked for twice"));
        }
        let most = self.sockets.config.sockets.max_subscriptions;
        let full = {
            let writer = self.socket.lock();
            writer.sub_named(channel).is_none() && writer.live_subs() + others.len() >= most
        };
        if full {
            return Err(DomainError::unprocessable("/channel", format!("a socket has at most {most} subscriptions")));
        }
        let since = asked.since.map(|since| i64::try_from(since).unwrap_or(i64::MAX));
        let from = asked.epoch.as_deref().zip(since);
        let mut prepared = self.socket.prepare(channel, from, budget).await.map_err(|error| match error {
            SubscribeError::NotFound => DomainError::not_found("there is no such channel"),
            SubscribeError::Unavailable => DomainError::new(ErrorCode::Unavailable, "the store cannot be asked now"),
        })?;
        // Nobody else is on a person's own channel.
        prepared.presence = asked.presence.filter(|_| matches!(channel, Channel::Post(_)));
        Ok(prepared)
    }

    async fn on_subscribe(&mut self, id: Option<u64>, asked: Subscription) {
        match self.prepare(&asked, &[], &mut { RECOVERY_BYTES }).await {
            Ok(prepared) => self.answer_subscribed(id, prepared),
            Err(error) => self.fail(id, &error),
        }
    }

    /// Puts a subscription in force and answers where there is an id to answer to.
    pub(super) fn answer_subscribed(&self, id: Option<u64>, prepared: Prepared) {
        let codec = self.socket.codec;
        self.socket.follow(
            vec![prepared],
            || self.face(),
            |granted| {
                let id = id?;
                Some(match granted.into_iter().next().flatten() {
                    Some(subscribed) => subscribed.frame(codec, Some(id)),
                    None => codec.frame(&ServerMessage::Error { id: Some(id), error: error_body(&over()) }),
                })
            },
        );
    }

    fn on_unsubscribe(&mut self, channel: &str) -> Result<Value, DomainError> {
        let channel = channels::resolve(self.person().map(Arc::as_ref), channel)?;
        self.socket.unsubscribe(channel);
        Ok(json!({}))
    }

    async fn on_refresh(&mut self, token: &str) -> Result<Value, DomainError> {
        let current = self.signed_in()?;
        let fresh = self.sockets.accounts.authenticate(token).await?;
        if fresh.user_id != current.user_id {
            return Err(DomainError::forbidden("this token is somebody else's"));
        }
        let expires_at = fresh.expires_at;
        self.socket.identify(fresh.user_id, fresh.session_id, expires_at, || fresh.user());
        // Looked at again, as for `connect`: an end that came before the socket could be found by it is not missed.
        if let Err(error) = self.sockets.accounts.recheck(&fresh) {
            self.close(CloseCode::Forbidden);
            return Err(error);
        }
        self.who = Who::Person(Arc::new(fresh));
        Ok(json!({ "expires_at": expires_at }))
    }

    fn on_typing(&mut self, channel: &str) -> Result<Value, DomainError> {
        let identity = self.signed_in()?;
        let channel = self.room(&identity, channel)?;
        let who = Sender { id: identity.user_id, name: identity.name.clone() };
        self.socket.typing(channel, &who, self.signal_caps()).ok_or_else(not_there)?;
        Ok(json!({}))
    }

    fn on_signal(&mut self, channel: &str, data: &Value) -> Result<Value, DomainError> {
        let identity = self.signed_in()?;
        let channel = self.room(&identity, channel)?;
        let data = client::raw(data);
        let most = self.sockets.config.sockets.max_signal;
        if data.get().len() > most {
            return Err(DomainError::too_large(format!("a signal has at most {most} bytes")));
        }
        let from = Arc::new(Sender { id: identity.user_id, name: identity.name.clone() });
        self.socket.signal(channel, &from, &data, self.signal_caps()).ok_or_else(not_there)?;
        Ok(json!({}))
    }

    /// The room that a signal is for.
    fn room(&self, identity: &Identity, channel: &str) -> Result<Channel, DomainError> {
        let channel = channels::resolve(Some(identity), channel)?;
        if matches!(channel, Channel::Post(_)) { Ok(channel) } else { Err(not_there()) }
    }

    /// Signals a second of a socket and of a room; `None` where rates are lifted.
    fn signal_caps(&self) -> Option<(u32, u32)> {
        let limits = &self.sockets.config.limits;
        limits.rate_limits.0.then_some((limits.signals_per_socket, limits.signals_per_room))
    }

    async fn on_create(
        &mut self,
        post_id: i64,
        parent_id: Option<i64>,
        text: String,
        key: Option<String>,
    ) -> Result<Value, DomainError> {
        let identity = self.signed_in()?;
        let new = NewComment {
            post_id: id(post_id)?,
            parent_id: parent_id.map(id::<CommentId>).transpose()?,
            body: text,
            key,
        };
        let applied = self.sockets.comments.create(&identity, self.place.address(), new).await?;
        Ok(to_value(&self.sockets.comments.view(Some(&identity), applied.value).await?))
    }

    async fn on_edit(&mut self, comment_id: i64, text: String) -> Result<Value, DomainError> {
        let identity = self.signed_in()?;
        let comment = self.sockets.comments.edit(&identity, id(comment_id)?, text).await?;
        Ok(to_value(&self.sockets.comments.view(Some(&identity), comment).await?))
    }

    async fn on_delete(&mut self, comment_id: i64) -> Result<Value, DomainError> {
        let identity = self.signed_in()?;
        let comment = self.sockets.comments.delete(&identity, id::<CommentId>(comment_id)?).await?;
        Ok(to_value(&self.sockets.comments.view(Some(&identity), comment).await?))
    }

    async fn on_react(&mut self, comment_id: i64, emoji: &str, on: bool) -> Result<Value, DomainError> {
        let identity = self.signed_in()?;
        let reactions = self.sockets.comments.react(&identity, id::<CommentId>(comment_id)?, emoji, on).await?;
        Ok(to_value(&reactions))
    }

    async fn on_read(&mut self, ids: Option<Vec<i64>>, all: Option<bool>) -> Result<Value, DomainError> {
        let identity = self.signed_in()?;
        let ids = ids.map(|ids| ids.into_iter().map(id).collect()).transpose()?;
        let after = self.sockets.notifications.read(&identity, ids, all).await?;
        Ok(json!({ "unread": after.unread, "seq": after.seq }))
    }
}

fn not_there() -> DomainError {
    DomainError::forbidden("this is for rooms that one follows")
}

fn id<T: TryFrom<i64>>(number: i64) -> Result<T, DomainError> {
    T::try_from(number).map_err(|_| DomainError::bad_request("an id is a positive integer below 2^53"))
}

fn to_value(data: &impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}
