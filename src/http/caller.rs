//! Who asks: nobody, a person or a back end.

use super::AppState;
use crate::domain::accounts::API_KEY_PREFIX;
use crate::domain::{DomainError, Identity};
use crate::protocol::codes::ErrorCode;
use crate::store::read::ApiKey;
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use std::marker::PhantomData;

/// Who asks. A credential that is not good is `unauthenticated` even where none is needed.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// A person who is signed in.
    Person(Identity),
    /// A back end.
    Key(ApiKey),
}

impl Caller {
    /// The person, or `unauthenticated` for nobody and `forbidden` for a back end.
    pub fn person(self) -> Result<Identity, DomainError> {
        match self {
            Self::Person(identity) => Ok(identity),
            Self::Anonymous => Err(DomainError::unauthenticated("sign in first")),
            Self::Key(_) => Err(DomainError::forbidden("this is for people, not for API keys")),
        }
    }

    /// The back end, or `unauthenticated` for nobody and `forbidden` for a person or a key without the scope.
    pub fn key_with(self, scope: &str) -> Result<ApiKey, DomainError> {
        match self {
            Self::Key(key) if key.scopes.iter().any(|has| has == scope) => Ok(key),
            Self::Key(_) => Err(DomainError::forbidden(format!("the API key lacks the scope `{scope}`"))),
            Self::Anonymous => Err(DomainError::unauthenticated("this needs an API key")),
            Self::Person(_) => Err(DomainError::forbidden("this is for API keys, not for people")),
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, DomainError> {
        let Some(token) = bearer(&parts.headers)? else { return Ok(Self::Anonymous) };
        if token.starts_with(API_KEY_PREFIX) {
            let key = state.accounts.api_key(token).await?;
            // A key in a page is a leaked key.
            if parts.headers.contains_key(ORIGIN) {
                return Err(DomainError::forbidden("an API key must not be used from a browser"));
            }
            return Ok(Self::Key(key));
        }
        // Sockets tell an ended session from a bad token; here both need a new sign-in.
        let identity = state.accounts.authenticate(token).await.map_err(|error| match error.code {
            ErrorCode::Forbidden => DomainError::unauthenticated(error.detail),
            _ => error,
        })?;
        Ok(Self::Person(identity))
    }
}

/// The token of `Authorization: Bearer …`. Other schemes are none of ours and count as no credential.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, DomainError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first: Option<&HeaderValue> = values.next();
    if values.next().is_some() {
        return Err(DomainError::unauthenticated("there are two credentials"));
    }
    let Some(value) = first else { return Ok(None) };
    let text = value.to_str().map_err(|_| DomainError::unauthenticated("the credential is not text"))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()))
}

/// A person who is signed in; see [`Caller::person`].
pub struct Person(pub Identity);

impl FromRequestParts<AppState> for Person {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, DomainError> {
        Caller::from_request_parts(parts, state).await?.person().map(Self)
    }
}

/// The person, where one is signed in; nobody for a back end.
pub struct MaybePerson(pub Option<Identity>);

impl FromRequestParts<AppState> for MaybePerson {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, DomainError> {
        match Caller::from_request_parts(parts, state).await? {
            Caller::Person(identity) => Ok(Self(Some(identity))),
            Caller::Anonymous | Caller::Key(_) => Ok(Self(None)),
        }
    }
}

/// What a key may be for.
pub trait Scope: Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
}

macro_rules! scopes {
    ($($(#[$doc:meta])+ $name:ident $scope:literal,)+) => {
        /// The scopes of API keys, as types for [`KeyWith`](super::KeyWith).
        pub mod scope {
            $($(#[$doc])+ pub struct $name;
            impl super::Scope for $name { const NAME: &'static str = $scope; })+
        }
    };
}

scopes! {
    /// May append `custom.*` events.
    Publish "publish",
    /// May notify people.
    Notify "notify",
    /// May keep posts that stand for pages.
    Posts "posts",
    /// May keep people of the host's site.
    Users "users",
}

/// A back end whose key has a scope; see [`Caller::key_with`].
pub struct KeyWith<S>(pub ApiKey, pub PhantomData<S>);

impl<S: Scope> FromRequestParts<AppState> for KeyWith<S> {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, DomainError> {
        let key = Caller::from_request_parts(parts, state).await?.key_with(S::NAME)?;
        Ok(Self(key, PhantomData))
    }
}
