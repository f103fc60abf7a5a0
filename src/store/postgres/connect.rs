//! Connections: how they are set up, how long anything may take.

use super::Postgres;
use super::control::Identity;
use crate::store::StoreError;
use parking_lot::RwLock;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, Executor, PgPool};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// The oldest server that all statements are written for.
const OLDEST: i32 = 150_000;

/// Every session: a commit is durable wherever the server's settings say otherwise, and a frozen process holds a room for
/// seconds only. The server itself looks after silent clients, which their sockets cannot ask for.
///
/// Every statement here is a bounded number of steps along an index, whatever the statistics say: a plan made while a
/// table was empty is kept by its connection, and must still be good when the table is full.
const SESSION: &str = "
    set application_name = 'belfry';
    set synchronous_commit = on;
    set default_transaction_isolation = 'read committed';
    set idle_in_transaction_session_timeout = '5s';
    set lock_timeout = '5s';
    set statement_timeout = '15s';
    set tcp_keepalives_idle = 5;
    set tcp_keepalives_interval = 2;
    set tcp_keepalives_count = 3;
    set tcp_user_timeout = '10s';
    set enable_seqscan = off;
    set enable_hashjoin = off;
    set enable_bitmapscan = off;
    set enable_mergejoin = off;
    set jit = off";

/// Time to get a connection.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Time for all that one call does on its connection: above the statement time-out, for a server that no longer answers.
const BOUND: Duration = Duration::from_secs(20);

/// Connections for groups; one is in use at a time, the second stands in for one that is being closed.
const COMMITTING: u32 = 2;

/// Connections for what the hub reads: heads, events, the epoch.
const HUB: u32 = 3;
/// Connections for groups that wait for held channels.
const WAITING: u32 = 4;

/// The epoch as it was last read by those who act on a change of it; none before the first time.
pub(super) type Known = Arc<RwLock<Option<String>>>;

impl Postgres {
    /// Connects, applies missing migrations (one process at a time does) and opens the pools; `reading` is how many
    /// connections reads may use.
    pub async fn connect(url: &str, reading: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Internal("the database URL is not one of Postgres".into()))?;
        migrate(&options).await?;
        Ok(Self::open(&options, reading))
    }

    /// Opens the pools on a database that is migrated.
    pub(super) fn open(options: &PgConnectOptions, reading: u32) -> Self {
        let known = Known::default();
        let pool = |connections, known: Option<Known>| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE)
                .after_connect(move |db, _| {
                    let known = known.clone();
                    Box::pin(async move {
                        db.execute(SESSION).await?;
                        match known {
                            Some(known) => leads_to_known(db, &known).await,
                            None => Ok(()),
                        }
                    })
                })
                .connect_lazy_with(options.clone())
        };
        Self {
            reads: pool(reading.max(1), Some(known.clone())),
            hub: pool(HUB, None),
            commits: pool(COMMITTING, Some(known.clone())),
            waits: pool(WAITING, Some(known.clone())),
            known,
        }
    }
}

/// Refuses a connection that leads to another database than was last told of: nothing is written there, nor read for
/// clients, under the epoch of the one before. The pool tries again until the sweep has found out. A standby has no
/// epoch, and takes no writes.
async fn leads_to_known(db: &mut PgConnection, known: &Known) -> Result<(), sqlx::Error> {
    let Some(known) = known.read().clone() else { return Ok(()) };
    match Identity::read(db).await?.epoch() {
        Ok(epoch) if epoch != known => Err(sqlx::Error::Protocol("the database is another one than before".into())),
        _ => Ok(()),
    }
}

/// Applies missing migrations on a connection of its own, without time-outs: others wait for the one that migrates.
pub(super) async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let connecting = tokio::time::timeout(ACQUIRE, PgConnection::connect_with(options));
    let mut db = connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
    let version: i32 =
        sqlx::query_scalar("select current_setting('server_version_num')::integer").fetch_one(&mut db).await?;
    if version < OLDEST {
        return Err(StoreError::Internal("Postgres 15 or newer is needed".into()));
    }
    MIGRATIONS.run(&mut db).await?;
    db.close().await?;
    Ok(())
}

/// Runs `work` on a connection of `pool`, within the bound; a connection that did not answer in time is not used again.
pub(super) async fn bounded<T, E, F>(pool: &PgPool, work: F) -> Result<T, E>
where
    E: From<sqlx::Error>,
    F: AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
{
    let mut db = pool.acquire().await?;
    match tokio::time::timeout(BOUND, work(&mut db)).await {
        Ok(result) => result,
        Err(_) => {
            db.close_on_drop();
            Err(sqlx::Error::PoolTimedOut.into())
        }
    }
}
