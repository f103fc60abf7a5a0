//! The contract on SQLite, and what only a file can do.

use super::{Mode, Options, Sqlite};
use crate::store::Backend;
use crate::store::conformance::{Database, conformance};
use futures_util::FutureExt;
use std::sync::Arc;

pub(crate) async fn fixture() -> Option<Database> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("belfry.sqlite");
    let first = Sqlite::connect(&path, Options::new(Mode::Serve, folder.path())).await.unwrap();
    first.close().await;
    let data = folder.path().to_owned();
    let open = move || {
        let (path, data) = (path.clone(), data.clone());
        async move {
            let store = Sqlite::connect(&path, Options::new(Mode::Beside, data)).await.unwrap();
            Arc::new(store) as Arc<dyn Backend>
        }
        .boxed()
    };
    Some(Database::new(open, folder))
}

conformance!(sqlite, crate::store::sqlite::tests::fixture);
