//! The socket: what clients say is read, carried out and answered here. The hub writes; nothing here does.

pub mod commands;
pub mod frames;
mod handshake;
pub mod session;
pub mod source;

pub use session::{Entrance, Visitor};

use crate::config::Config;
use crate::domain::accounts::Accounts;
use crate::domain::comments::Comments;
use crate::domain::notifications::Notifications;
use crate::hub::Hub;
use dashmap::DashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What all sockets share.
pub struct Sockets {
    /// Who delivers.
    pub hub: Arc<Hub>,
    /// Who signs in.
    pub accounts: Arc<Accounts>,
    /// What comments go to.
    pub comments: Arc<Comments>,
    /// What is read of what people are told.
    pub notifications: Arc<Notifications>,
    /// Bounds.
    pub config: Arc<Config>,
    by_address: DashMap<IpAddr, usize>,
}

impl Sockets {
    /// No sockets yet.
    pub fn new(
        hub: Arc<Hub>,
        accounts: Arc<Accounts>,
        comments: Arc<Comments>,
        notifications: Arc<Notifications>,
        config: Arc<Config>,
    ) -> Arc<Self> {
        Arc::new(Self { hub, accounts, comments, notifications, config, by_address: DashMap::new() })
    }

    /// A place for one more socket of an address; `None` above the bound.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let limited = self.config.limits.rate_limits.0;
        let mut held = self.by_address.entry(address).or_insert(0);
        if limited && *held >= self.config.sockets.max_sockets_per_address {
            return None;
        }
        *held += 1;
        Some(Place { sockets: self.clone(), address })
    }

    /// Whether there is room for one more socket in all.
    pub fn has_room(&self) -> bool {
        self.hub.sockets() < self.config.sockets.max_sockets
    }
}

/// A socket's place among those of its address; given back when dropped.
pub struct Place {
    sockets: Arc<Sockets>,
    address: IpAddr,
}

impl Place {
    /// Where it comes from.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut held) = self.sockets.by_address.get_mut(&self.address) {
            *held -= 1;
        }
        self.sockets.by_address.remove_if(&self.address, |_, held| *held == 0);
    }
}
