//! The contract on SQLite, and what only a file can do.

mod beside;
mod epoch;
mod full;
mod groups;
mod plans;

use super::{Mode, Options, Sqlite};
use crate::store::Backend;
use crate::store::conformance::{Database, conformance};
use futures_util::FutureExt;
use std::path::Path;
use std::sync::Arc;

/// A file that was served once, and any number of processes beside each other on it.
pub(crate) async fn fixture() -> Option<Database> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("belfry.sqlite");
    serve(&path).await.close().await;
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

/// Opens a file as the process that serves it, its note beside it.
async fn serve(path: &Path) -> Sqlite {
    Sqlite::connect(path, Options::new(Mode::Serve, path.parent().unwrap())).await.unwrap()
}

conformance!(sqlite, crate::store::sqlite::tests::fixture);
