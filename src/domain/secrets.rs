//! The secret that signs tokens: given, or with SQLite made once and kept in the data folder.

use crate::config::{Secret, StoreConfig};
use crate::model::Entropy;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// The secret's file in the data folder.
const FILE: &str = "jwt.secret";

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum NoSecret {
    /// A setting is missing or cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The data folder cannot be used.
    #[error("{0}")]
    Folder(String),
}

/// The secret for own tokens. Without the setting: the one in the data folder, made if it is not there, readable by this
/// user only; with Postgres that is refused, as instances must share one.
pub fn jwt_secret(config: &StoreConfig, entropy: &dyn Entropy) -> Result<Secret, NoSecret> {
    if let Some(secret) = &config.jwt_secret {
        let usable = !secret.expose().trim().is_empty();
        let complaint = || NoSecret::Setting("BELFRY_JWT_SECRET must not be empty".into());
        return usable.then(|| secret.clone()).ok_or_else(complaint);
    }
    if config.is_postgres() {
        return Err(NoSecret::Setting("BELFRY_JWT_SECRET is required with Postgres".into()));
    }
    let path = config.data.join(FILE);
    let folder = |error: io::Error| NoSecret::Folder(format!("{}: {error}", path.display()));
    match read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(&config.data, &path, entropy).map_err(folder)?;
            read(&path).map_err(folder)
        }
        found => found.map_err(folder),
    }
}

fn read(path: &Path) -> io::Result<Secret> {
    let text = std::fs::read_to_string(path)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(io::Error::new(ErrorKind::InvalidData, "the secret is empty"));
    }
    text.parse().map_err(|never| match never {})
}

/// Puts a whole, durable file in place, or leaves the one that another process put there first.
fn make(folder: &Path, path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let mut bytes = [0; 40];
    entropy.fill(&mut bytes);
    let (secret, name) = bytes.split_at(32);
    std::fs::create_dir_all(folder)?;
    let draft = folder.join(format!("{FILE}.{}", URL_SAFE_NO_PAD.encode(name)));
    let written = write(&draft, secret).and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    std::fs::remove_file(&draft)?;
    written?;
    File::open(folder)?.sync_all()
}

fn write(path: &Path, secret: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", URL_SAFE_NO_PAD.encode(secret))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemEntropy;

    fn config(data: &Path, database_url: Option<&str>, secret: Option<&str>) -> StoreConfig {
        StoreConfig {
            database_url: database_url.map(|url| url.parse().unwrap()),
            data: data.to_owned(),
            database_connections: 1,
            sqlite_max_pages: 0,
            jwt_secret: secret.map(|secret| secret.parse().unwrap()),
        }
    }

    #[test]
    fn a_secret_is_made_once_for_this_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"), None, None);
        let first = jwt_secret(&config, &SystemEntropy).unwrap();
        assert_eq!(first.expose().len(), 43);
        assert_eq!(jwt_secret(&config, &SystemEntropy).unwrap(), first);
        let file = std::fs::metadata(config.data.join(FILE)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&config.data).unwrap().count(), 1);
    }

    #[test]
    fn the_setting_comes_first_and_must_not_be_blank() {
        let folder = tempfile::tempdir().unwrap();
        let given = jwt_secret(&config(folder.path(), None, Some("given")), &SystemEntropy).unwrap();
        assert_eq!(given.expose(), "given");
        let blank = jwt_secret(&config(folder.path(), None, Some(" ")), &SystemEntropy);
        assert!(matches!(blank, Err(NoSecret::Setting(_))));
    }

    #[test]
    fn postgres_needs_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let without = jwt_secret(&config(folder.path(), Some("postgres://x/y"), None), &SystemEntropy);
        assert!(matches!(without, Err(NoSecret::Setting(_))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_none_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(jwt_secret(&config(&file, None, None), &SystemEntropy), Err(NoSecret::Folder(_))));
    }
}
