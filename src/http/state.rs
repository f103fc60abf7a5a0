//! What every handler may use.

use super::openapi::Document;
use crate::config::Config;
use crate::domain::accounts::Accounts;
use crate::domain::bans::Bans;
use crate::domain::comments::Comments;
use crate::domain::history::History;
use crate::domain::hosts::Hosts;
use crate::domain::limits::RateLimits;
use crate::domain::notifications::Notifications;
use crate::domain::notify::Notices;
use crate::domain::origins::Origins;
use crate::domain::posts::Posts;
use crate::domain::publish::Publishing;
use crate::domain::readiness::Readiness;
use crate::model::EpochCell;
use crate::model::clock::SharedClock;
use crate::model::random::SharedEntropy;
use crate::store::Store;
use crate::ws::Sockets;
use std::sync::Arc;

/// The services of one process; a clone is a handful of counters.
#[derive(Clone)]
pub struct AppState {
    /// Every setting.
    pub config: Arc<Config>,
    /// The time.
    pub clock: SharedClock,
    /// Chance.
    pub entropy: SharedEntropy,
    /// What is remembered.
    pub store: Arc<Store>,
    /// Who may sign in, and who asks.
    pub accounts: Arc<Accounts>,
    /// Whom the host's site vouches for.
    pub hosts: Arc<Hosts>,
    /// Who is kept out.
    pub bans: Arc<Bans>,
    /// How often.
    pub limits: Arc<RateLimits>,
    /// From which web origins.
    pub origins: Arc<Origins>,
    /// Posts.
    pub posts: Arc<Posts>,
    /// Comments.
    pub comments: Arc<Comments>,
    /// Logs, for those who fetch.
    pub history: Arc<History>,
    /// What back ends append.
    pub publishing: Arc<Publishing>,
    /// What people are told.
    pub notifications: Arc<Notifications>,
    /// What back ends tell them.
    pub notices: Arc<Notices>,
    /// The epoch as last read. Take it before the rows it is told with.
    pub epoch: EpochCell,
    /// Who is let in by the socket's doors.
    pub sockets: Arc<Sockets>,
    /// Whether this instance is of use.
    pub readiness: Arc<Readiness>,
    /// What the API says of itself.
    pub document: Arc<Document>,
}
