//! Logs: for people where somebody watches, for machines elsewhere. Always on stderr; stdout belongs to the two lines that
//! say where the server listens.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The setting that chooses what is logged, for instance `info,belfry::hub=debug`.
pub const FILTER: &str = "BELFRY_LOG";

/// What is logged where nothing was chosen.
const DEFAULT: &str = "info";

/// A filter that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{FILTER} cannot be read: {0}")]
pub struct InvalidFilter(String);

/// Begins to log for the rest of the process's life; a second call changes nothing. Lines carry the request and
/// connection ids of the spans they stand in.
///
/// # Errors
/// For a filter that cannot be read.
pub fn install(filter: Option<&str>) -> Result<(), InvalidFilter> {
    let filter = read(filter)?;
    let installed = if std::io::stderr().is_terminal() {
        tracing::subscriber::set_global_default(for_people(filter))
    } else {
        tracing::subscriber::set_global_default(for_machines(filter, std::io::stderr))
    };
    if installed.is_err() {
        tracing::debug!("logging had begun before");
    }
    Ok(())
}

fn read(filter: Option<&str>) -> Result<EnvFilter, InvalidFilter> {
    let filter = filter.map(str::trim).filter(|filter| !filter.is_empty()).unwrap_or(DEFAULT);
    EnvFilter::builder().parse(filter).map_err(|error| InvalidFilter(error.to_string()))
}

fn for_people(filter: EnvFilter) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).finish()
}

/// One JSON object a line: the fields of the event, and the spans around it from the outermost.
fn for_machines<W>(filter: EnvFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false).with_span_list(true);
    lines.with_env_filter(filter).with_writer(writer).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::io::Write;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_for_machines_is_json_with_the_ids_of_its_spans() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = for_machines(read(None).unwrap(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            let _connection = tracing::info_span!("socket", connection = "c1").entered();
            tracing::debug!("not by default");
            tracing::info!(count = 2, "caught up");
        });
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "caught up");
        assert_eq!(line["count"], 2);
        assert_eq!(line["spans"][0]["connection"], "c1");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_told() {
        assert!(read(Some("info,belfry::hub=debug")).is_ok());
        assert!(read(Some(" ")).is_ok());
        assert!(read(Some("belfry=loudly")).is_err());
    }
}
