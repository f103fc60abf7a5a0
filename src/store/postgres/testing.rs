//! Empty databases for tests, on the server that `BELFRY_TEST_POSTGRES` names with a role that may create them.

use super::Postgres;
use super::connect::migrate;
use crate::model::Channel;
use crate::store::Backend;
use crate::store::conformance::Database;
use crate::store::conformance::support::{Held, required_in_ci};
use futures_util::FutureExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::OnceCell;

/// Migrated once a run and copied for each test, which is much faster than migrating each.
const TEMPLATE: &str = "belfry_test_template";

/// The advisory lock around the template: exclusive while it is made, shared while it is copied.
const TEMPLATE_LOCK: i64 = 0x62_65_6c_66_72_79;

static TEMPLATE_MADE: OnceCell<()> = OnceCell::const_new();
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A database of one test's own, dropped with it.
pub(crate) struct Scratch {
    server: PgConnectOptions,
    name: String,
}

impl Scratch {
    /// An empty database with all migrations; none where no server is named.
    pub(crate) async fn make() -> Option<Self> {
        let url = required_in_ci("BELFRY_TEST_POSTGRES")?;
        let server = PgConnectOptions::from_str(&url).unwrap();
        TEMPLATE_MADE.get_or_init(|| make_template(&server)).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let scratch = Self { server, name: format!("belfry_test_{}_{number}", std::process::id()) };
        let mut db = PgConnection::connect_with(&scratch.server).await.unwrap();
        lock(&mut db, "select pg_advisory_lock_shared($1)").await;
        let name = &scratch.name;
        run(&mut db, format!("drop database if exists {name} with (force)")).await;
        run(&mut db, format!("create database {name} template {TEMPLATE}")).await;
        db.close().await.unwrap();
        Some(scratch)
    }

    /// Puts another database with all migrations in its place, and ends whoever was connected.
    pub(crate) async fn replace(&self) {
        let mut db = PgConnection::connect_with(&self.server).await.unwrap();
        lock(&mut db, "select pg_advisory_lock_shared($1)").await;
        let name = &self.name;
        run(&mut db, format!("drop database {name} with (force)")).await;
        run(&mut db, format!("create database {name} template {TEMPLATE}")).await;
        db.close().await.unwrap();
    }

    /// How to reach it.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// A connection of a test's own, without Belfry's settings.
    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect_with(&self.options()).await.unwrap()
    }

    /// One more process on it.
    pub(crate) fn store(&self) -> Postgres {
        Postgres::open(&self.options(), 4)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // Dropping cannot wait, and the test's own runtime may be ending.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let mut db = PgConnection::connect_with(&server).await.unwrap();
                run(&mut db, format!("drop database if exists {name} with (force)")).await;
            });
        });
        if dropping.join().is_err() {
            eprintln!("{} is left behind", self.name);
        }
    }
}

/// Holds a channel's row as a process that froze would.
pub(crate) async fn hold(mut db: PgConnection, channel: Channel) -> Held {
    run(&mut db, "begin".into()).await;
    let held = sqlx::query("select from channels where name = $1 for update").bind(channel.name());
    assert_eq!(held.fetch_all(&mut db).await.unwrap().len(), 1, "{channel} is there to be held");
    Held(async move { run(&mut db, "rollback".into()).await }.boxed())
}

/// The fixture of the conformance suite.
pub(crate) async fn fixture() -> Option<Database> {
    let scratch = Arc::new(Scratch::make().await?);
    let (opening, holding) = (scratch.clone(), scratch.clone());
    let open = move || {
        let store: Arc<dyn Backend> = Arc::new(opening.store());
        async move { store }.boxed()
    };
    let hold = move |channel| {
        let scratch = holding.clone();
        async move { hold(scratch.connection().await, channel).await }.boxed()
    };
    Some(Database::new(open, scratch).holding(hold))
}

async fn make_template(server: &PgConnectOptions) {
    let mut db = PgConnection::connect_with(server).await.unwrap();
    lock(&mut db, "select pg_advisory_lock($1)").await;
    // Made anew each run: a migration under development may have been edited.
    run(&mut db, format!("drop database if exists {TEMPLATE} with (force)")).await;
    run(&mut db, format!("create database {TEMPLATE}")).await;
    migrate(&server.clone().database(TEMPLATE)).await.unwrap();
    db.close().await.unwrap();
}

async fn lock(db: &mut PgConnection, statement: &'static str) {
    sqlx::query(statement).bind(TEMPLATE_LOCK).execute(db).await.unwrap();
}

async fn run(db: &mut PgConnection, statement: String) {
    db.execute(AssertSqlSafe(statement)).await.unwrap();
}
