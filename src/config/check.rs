//! Which settings make sense, alone and beside each other. What is wrong is said in one line that names the setting.

use super::{Config, HostConfig, Limits, Secret, SocketConfig, StoreConfig};
use std::path::PathBuf;
use std::time::Duration;

impl Config {
    /// Says what is wrong with the first setting that cannot be used. Origins are the domain's to judge.
    pub fn check(&self) -> Result<(), String> {
        self.store.check()?;
        let secret = self.store.jwt_secret.is_some() || !self.store.is_postgres();
        must(secret, "BELFRY_JWT_SECRET is required with Postgres: every instance must have the same")?;
        self.host.check(self.store.jwt_secret.as_ref())?;
        self.check_bus()?;
        let second = Duration::from_secs(1);
        must(self.access_ttl >= second, "BELFRY_ACCESS_TTL must be at least 1s")?;
        must(self.refresh_ttl >= self.access_ttl, "BELFRY_REFRESH_TTL must be at least BELFRY_ACCESS_TTL")?;
        positive(self.password_threads, "BELFRY_PASSWORD_THREADS")?;
        positive(self.instances(), "BELFRY_INSTANCES")?;
        self.sockets.check()?;
        self.limits.check()
    }
}

impl Config {
    /// How many instances share the rates.
    pub fn instances(&self) -> u32 {
        let several = self.redis_url.as_ref().is_some_and(|url| !url.expose().is_empty());
        self.instances.unwrap_or(if several { 2 } else { 1 })
    }

    fn check_bus(&self) -> Result<(), String> {
        let url = self.redis_url.as_ref().map_or("", Secret::expose);
        if url.is_empty() {
            return Ok(());
        }
        let known = ["redis://", "redis-cluster://"].iter().any(|scheme| url.starts_with(scheme));
        must(
            !url.starts_with("rediss"),
            "REDIS_URL: this build has no TLS for Redis, use redis:// in a private network",
        )?;
        must(known, "REDIS_URL must begin with redis:// or redis-cluster://")?;
        let host = url::Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()));
        must(host, "REDIS_URL: after redis:// comes the name of a host")
    }
}

impl StoreConfig {
    /// Says what is wrong with the first setting that cannot be used; never what an address of a database says.
    pub fn check(&self) -> Result<(), String> {
        let url = self.database_url.as_ref().map_or("", Secret::expose);
        let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        must(known || url.is_empty(), "DATABASE_URL must begin with sqlite:// or postgres://")?;
        let file = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        let named = file.is_none_or(|file| !file.is_empty() && !file.contains([':', '?']));
        must(named, "DATABASE_URL: after sqlite:// comes the path of a file and nothing else")?;
        let secret = self.jwt_secret.as_ref().is_none_or(|secret| !secret.expose().trim().is_empty());
        must(secret, "BELFRY_JWT_SECRET must not be blank")?;
        positive(self.database_connections, "BELFRY_DATABASE_CONNECTIONS")
    }

    /// Whether rows are kept in Postgres.
    pub fn is_postgres(&self) -> bool {
        self.database_url.as_ref().is_some_and(|url| url.expose().starts_with("postgres"))
    }

    /// The file that rows are kept in where it is SQLite; without an address it stands in the data folder.
    pub fn sqlite_path(&self) -> PathBuf {
        let url = self.database_url.as_ref().map_or("", Secret::expose);
        let file = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        file.map_or_else(|| self.data.join("belfry.db"), PathBuf::from)
    }
}

impl HostConfig {
    fn check(&self, own: Option<&Secret>) -> Result<(), String> {
        let blank = self.host_secret.as_ref().is_some_and(|secret| secret.expose().trim().is_empty());
        must(!blank, "BELFRY_HOST_SECRET must not be blank")?;
        let other = self.host_secret.is_none() || self.host_secret.as_ref() != own;
        must(other, "BELFRY_HOST_SECRET must differ from BELFRY_JWT_SECRET: whoever has it could sign in as anybody")?;
        let one = self.host_secret.is_none() || self.jwks_file.is_none();
        must(one, "BELFRY_HOST_SECRET and BELFRY_JWKS_FILE cannot both be set: the host's tokens are signed one way")?;
        let aud = self.host_aud.as_deref();
        must(aud != Some(""), "BELFRY_HOST_AUD must not be empty")?;
        let asked = aud.is_none() || self.host_secret.is_some() || self.jwks_file.is_some();
        must(asked, "BELFRY_HOST_AUD says nothing without BELFRY_HOST_SECRET or BELFRY_JWKS_FILE")?;
        positive(self.host_people, "BELFRY_HOST_PEOPLE")
    }
}

impl SocketConfig {
    fn check(&self) -> Result<(), String> {
        for (duration, name) in [
            (self.heartbeat, "BELFRY_HEARTBEAT"),
            (self.frame_timeout, "BELFRY_FRAME_TIMEOUT"),
            (self.connect_timeout, "BELFRY_CONNECT_TIMEOUT"),
            (self.slow_timeout, "BELFRY_SLOW_TIMEOUT"),
        ] {
            must(!duration.is_zero(), &format!("{name} must be more than 0s"))?;
        }
        for (bound, name) in [
            (self.max_sockets_per_user, "BELFRY_MAX_SOCKETS_PER_USER"),
            (self.max_sockets_per_address, "BELFRY_MAX_SOCKETS_PER_ADDRESS"),
            (self.max_sockets, "BELFRY_MAX_SOCKETS"),
            (self.max_handshakes, "BELFRY_MAX_HANDSHAKES"),
            (self.max_first_frame, "BELFRY_MAX_FIRST_FRAME"),
            (self.max_subscriptions, "BELFRY_MAX_SUBSCRIPTIONS"),
            (self.max_outbox, "BELFRY_MAX_OUTBOX"),
            (self.tail_events, "BELFRY_TAIL_EVENTS"),
            (self.tail_bytes, "BELFRY_TAIL_BYTES"),
            (self.max_signal, "BELFRY_MAX_SIGNAL"),
        ] {
            positive(bound, name)?;
        }
        let refresh = self.presence_refresh >= Duration::from_millis(100);
        must(refresh, "BELFRY_PRESENCE_REFRESH must be at least 100ms")?;
        let refreshed = self.presence_ttl >= self.presence_refresh * 2;
        must(refreshed, "BELFRY_PRESENCE_TTL must be at least twice BELFRY_PRESENCE_REFRESH")?;
        let frames = self.max_first_frame <= self.max_frame;
        must(frames, "BELFRY_MAX_FIRST_FRAME must be at most BELFRY_MAX_FRAME")?;
        let partial = self.max_frame <= self.max_partial_bytes;
        must(partial, "BELFRY_MAX_PARTIAL_BYTES must be at least BELFRY_MAX_FRAME")?;
        let tails = self.tail_bytes <= self.tail_budget;
        must(tails, "BELFRY_TAIL_BUDGET must be at least BELFRY_TAIL_BYTES")?;
        self.hot.check(self)?;
        self.sweep.check()
    }
}

impl Limits {
    fn check(&self) -> Result<(), String> {
        for (bound, name) in [
            (self.max_body, "BELFRY_MAX_BODY"),
            (self.max_comment_html, "BELFRY_MAX_COMMENT_HTML"),
            (self.max_post_html, "BELFRY_MAX_POST_HTML"),
            (self.max_custom, "BELFRY_MAX_CUSTOM"),
            (self.max_comment_chars, "BELFRY_MAX_COMMENT_CHARS"),
            (self.max_read_ids, "BELFRY_MAX_READ_IDS"),
            (self.max_recipients, "BELFRY_MAX_RECIPIENTS"),
            (self.max_notice_title_chars, "BELFRY_MAX_NOTICE_TITLE_CHARS"),
            (self.max_notice_chars, "BELFRY_MAX_NOTICE_CHARS"),
            (self.max_group_chars, "BELFRY_MAX_GROUP_CHARS"),
            (self.max_title_chars, "BELFRY_MAX_TITLE_CHARS"),
            (self.max_post_chars, "BELFRY_MAX_POST_CHARS"),
            (self.max_name_chars, "BELFRY_MAX_NAME_CHARS"),
            (self.max_reason_chars, "BELFRY_MAX_REASON_CHARS"),
            (self.max_tags, "BELFRY_MAX_TAGS"),
            (self.max_tag_chars, "BELFRY_MAX_TAG_CHARS"),
            (self.max_page_key_chars, "BELFRY_MAX_PAGE_KEY_CHARS"),
            (self.max_url_chars, "BELFRY_MAX_URL_CHARS"),
            (self.max_emoji, "BELFRY_MAX_EMOJI"),
        ] {
            positive(bound, name)?;
        }
        for (rate, name) in [
            (self.commands_per_second, "BELFRY_COMMANDS_PER_SECOND"),
            (self.command_burst, "BELFRY_COMMAND_BURST"),
            (self.comments_per_user, "BELFRY_COMMENTS_PER_USER"),
            (self.comments_per_address, "BELFRY_COMMENTS_PER_ADDRESS"),
            (self.pages_per_address, "BELFRY_PAGES_PER_ADDRESS"),
            (self.sign_ins_per_address, "BELFRY_SIGN_INS_PER_ADDRESS"),
            (self.sign_ins_per_account, "BELFRY_SIGN_INS_PER_ACCOUNT"),
            (self.sign_ups_per_address, "BELFRY_SIGN_UPS_PER_ADDRESS"),
            (self.signals_per_socket, "BELFRY_SIGNALS_PER_SOCKET"),
            (self.signals_per_room, "BELFRY_SIGNALS_PER_ROOM"),
        ] {
            positive(rate, name)?;
        }
        // What both databases can keep in an index, whatever the characters.
        must(self.max_page_key_chars <= 600, "BELFRY_MAX_PAGE_KEY_CHARS must be at most 600")?;
        must(self.max_tag_chars <= 600, "BELFRY_MAX_TAG_CHARS must be at most 600")?;
        Ok(())
    }
}

pub(super) fn must(holds: bool, complaint: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint.to_owned()) }
}

fn positive<T: Default + PartialOrd>(value: T, name: &str) -> Result<(), String> {
    must(value > T::default(), &format!("{name} must be at least 1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, FromArgMatches};

    fn config(arguments: &[&str]) -> Config {
        let arguments = ["belfry"].iter().chain(arguments);
        let matches = Config::augment_args(clap::Command::new("belfry")).get_matches_from(arguments);
        Config::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn the_defaults_make_sense() {
        assert_eq!(config(&[]).check(), Ok(()));
    }

    #[test]
    fn what_makes_no_sense_is_named_and_no_secret_is_told() {
        for (arguments, named) in [
            (&["--heartbeat", "0s"][..], "BELFRY_HEARTBEAT"),
            (&["--database-url", "mysql://root:swordfish@db"], "DATABASE_URL"),
            (&["--database-url", "sqlite://"], "DATABASE_URL"),
            (&["--database-url", "sqlite::memory:"], "DATABASE_URL"),
            (&["--database-url", "postgres://root:swordfish@db/x"], "BELFRY_JWT_SECRET"),
            (&["--jwt-secret", " "], "BELFRY_JWT_SECRET"),
            (&["--redis-url", "rediss://:swordfish@bus"], "REDIS_URL"),
            (&["--redis-url", "https://:swordfish@bus"], "REDIS_URL"),
            (&["--redis-url", "redis://:swordfish@bus:port"], "REDIS_URL"),
            (&["--redis-url", "redis://"], "REDIS_URL"),
            (&["--host-secret", " "], "BELFRY_HOST_SECRET"),
            (&["--host-secret", "swordfish", "--jwt-secret", "swordfish"], "BELFRY_HOST_SECRET"),
            (&["--host-secret", "swordfish", "--jwks-file", "keys.json"], "BELFRY_HOST_SECRET"),
            (&["--host-aud", "belfry"], "BELFRY_HOST_AUD"),
            (&["--host-secret", "swordfish", "--host-aud", ""], "BELFRY_HOST_AUD"),
            (&["--host-people", "0"], "BELFRY_HOST_PEOPLE"),
            (&["--instances", "0"], "BELFRY_INSTANCES"),
            (&["--access-ttl", "999ms"], "BELFRY_ACCESS_TTL"),
            (&["--refresh-ttl", "14m"], "BELFRY_REFRESH_TTL"),
            (&["--max-handshakes", "0"], "BELFRY_MAX_HANDSHAKES"),
            (&["--max-frame", "32767"], "BELFRY_MAX_FIRST_FRAME"),
            (&["--max-frame", "67108865"], "BELFRY_MAX_PARTIAL_BYTES"),
            (&["--tail-budget", "1048575"], "BELFRY_TAIL_BUDGET"),
            (&["--max-lag-bytes", "262143"], "BELFRY_MAX_LAG_BYTES"),
            (&["--flush-window", "21ms"], "BELFRY_FLUSH_WINDOW"),
            (&["--flush-writes", "0"], "BELFRY_FLUSH_WRITES"),
            (&["--hot-told-every", "499ms"], "BELFRY_HOT_TOLD_EVERY"),
            (&["--hot-told-every", "3001ms"], "BELFRY_HOT_TOLD_EVERY"),
            (&["--reaction-window", "1001ms"], "BELFRY_REACTION_WINDOW"),
            (&["--signals-per-hot-room", "0"], "BELFRY_SIGNALS_PER_HOT_ROOM"),
            (&["--presence-refresh", "99ms"], "BELFRY_PRESENCE_REFRESH"),
            (&["--presence-ttl", "15s"], "BELFRY_PRESENCE_TTL"),
            (&["--sweep-interval", "49ms"], "BELFRY_SWEEP_INTERVAL"),
            (&["--sweep-interval", "1201ms"], "BELFRY_SWEEP_INTERVAL"),
            (&["--max-body", "0"], "BELFRY_MAX_BODY"),
            (&["--comments-per-user", "0"], "BELFRY_COMMENTS_PER_USER"),
            (&["--password-threads", "0"], "BELFRY_PASSWORD_THREADS"),
            (&["--database-connections", "0"], "BELFRY_DATABASE_CONNECTIONS"),
        ] {
            let complaint = config(arguments).check().unwrap_err();
            assert!(complaint.starts_with(named), "{complaint}");
            assert!(!complaint.contains("swordfish") && !complaint.contains('\n'), "{complaint}");
        }
        for fine in [
            &["--max-frame", "32768"],
            &["--presence-refresh", "12s"],
            &["--redis-url", "redis-cluster://a:7000?node=b:7000"],
            &["--sweep-interval", "50ms"],
            &["--sweep-interval", "1200ms"],
            &["--max-lag-bytes", "262144"],
            &["--flush-window", "20ms"],
            &["--flush-window", "0s"],
            &["--hot-told-every", "3s"],
            &["--reaction-window", "1s"],
            &["--reaction-window", "0s"],
            &["--drain-delay", "0s"],
        ] {
            assert_eq!(config(fine).check(), Ok(()));
        }
    }

    #[test]
    fn there_are_as_many_instances_as_is_said_or_two_where_something_lies_between_them() {
        let instances = |arguments: &[&str]| config(arguments).instances();
        assert_eq!((instances(&[]), instances(&["--redis-url", "redis://bus"])), (1, 2));
        assert_eq!(instances(&["--redis-url", ""]), 1);
        assert_eq!(
            (instances(&["--instances", "3"]), instances(&["--instances", "1", "--redis-url", "redis://b"])),
            (3, 1)
        );
    }

    #[test]
    fn a_file_stands_where_the_address_says_or_in_the_data_folder() {
        let path = |arguments: &[&str]| config(arguments).store.sqlite_path();
        assert_eq!(path(&["--data", "d"]), PathBuf::from("d/belfry.db"));
        assert_eq!(path(&["--database-url", "sqlite://a/b.db"]), PathBuf::from("a/b.db"));
        assert_eq!(path(&["--database-url", "sqlite:///a/b.db"]), PathBuf::from("/a/b.db"));
    }

    #[test]
    fn a_proxy_is_a_network_or_an_address() {
        let trusted = config(&["--trusted-proxies", "10.0.0.0/8, 192.0.2.1"]).trusted_proxies;
        assert_eq!(trusted.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "192.0.2.1/32"]);
    }
}
