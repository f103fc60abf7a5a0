//! Where a server under test keeps its rows.

use super::server::Setup;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A store of its own for one test.
pub enum Database {
    /// A file in the data folder.
    Sqlite,
    /// A database made for the test.
    Postgres {
        /// The server where it was made.
        server: String,
        /// Its name.
        name: String,
    },
}

impl Database {
    /// A fresh database where `BELFRY_TEST_POSTGRES` names a server. Left out without one, but not in CI: there a
    /// missing server must not look like a passed test.
    pub async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("BELFRY_TEST_POSTGRES") else {
            assert!(std::env::var_os("CI").is_none(), "BELFRY_TEST_POSTGRES is not set");
            eprintln!("left out: BELFRY_TEST_POSTGRES is not set");
            return None;
        };
        let name = format!("belfry_blackbox_{}_{:08x}", std::process::id(), rand::random::<u32>());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
        Some(Self::Postgres { server, name })
    }

    /// Tells a server to use it.
    pub fn apply(&self, setup: &mut Setup) {
        if let Self::Postgres { server, name } = self {
            let mut url = url::Url::parse(server).unwrap();
            url.set_path(name);
            setup.set("DATABASE_URL", url.as_str());
            setup.set("BELFRY_JWT_SECRET", "a secret of thirty-two bytes or more");
        }
    }

    /// Drops it; after a failed test it stays, to be looked into.
    pub async fn remove(self) {
        if let Self::Postgres { server, name } = self {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            connection.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await.unwrap();
        }
    }
}
