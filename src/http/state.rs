//! What every handler may use.

use crate::config::Config;
use crate::domain::accounts::Accounts;
use crate::domain::limits::RateLimits;
use crate::domain::origins::Origins;
use crate::model::clock::SharedClock;
use crate::model::random::SharedEntropy;
use crate::store::Store;
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
    /// How often.
    pub limits: Arc<RateLimits>,
    /// From which web origins.
    pub origins: Arc<Origins>,
}
