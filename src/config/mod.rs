//! Every setting, once, with its default and the name of its environment variable.

mod check;
mod drain;
mod hot;
mod sweep;

pub use drain::DrainConfig;
pub use hot::HotConfig;
pub use sweep::SweepConfig;

use clap::Args;
use ipnet::IpNet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A text that must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// A switch that is written `on` or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch(pub bool);

impl FromStr for Switch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on" => Ok(Self(true)),
            "off" => Ok(Self(false)),
            _ => Err("use `on` or `off`".into()),
        }
    }
}

/// Where metrics are served, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// On this address.
    At(SocketAddr),
}

impl FromStr for MetricsListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            Ok(Self::Off)
        } else {
            text.parse().map(Self::At).map_err(|_| "use an address with a port, or `off`".into())
        }
    }
}

/// The longest duration: ten years. Longer ones are slips of the pen.
const MAX_DURATION: Duration = Duration::from_secs(3_650 * 86_400);

/// Reads `250ms`, `5s`, `2m`, `1h` or `7d`; at most ten years.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("use a duration such as `250ms`, `5s`, `2m`, `1h` or `7d`".into()),
    };
    let number: u64 = number.parse().map_err(|_| format!("`{text}` does not begin with a number"))?;
    let duration = number.checked_mul(milliseconds).map(Duration::from_millis);
    duration.filter(|duration| *duration <= MAX_DURATION).ok_or_else(|| format!("`{text}` is too long"))
}

/// Reads a network such as `10.0.0.0/8`; a bare address is a network of its own.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let read = text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from));
    read.ok_or_else(|| "use networks such as `10.0.0.0/8`".into())
}

/// Where rows are kept.
#[derive(Debug, Clone, Args)]
pub struct StoreConfig {
    /// `sqlite://path` or `postgres://…`; without it SQLite in the data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// Folder for the SQLite file, generated secrets and the lock
    #[arg(long = "data", env = "BELFRY_DATA", default_value = "./data")]
    pub data: PathBuf,
    /// Connections for reading, per process
    #[arg(long, env = "BELFRY_DATABASE_CONNECTIONS", default_value_t = 8)]
    pub database_connections: u32,
    /// Most SQLite pages (0: no bound); a full file acknowledges nothing
    #[arg(long, env = "BELFRY_SQLITE_MAX_PAGES", default_value_t = 0)]
    pub sqlite_max_pages: u32,
    /// Secret that signs own tokens (HS256); generated in the data folder with SQLite, required with Postgres
    #[arg(long, env = "BELFRY_JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: Option<Secret>,
}

/// Whom the host's site vouches for.
#[derive(Debug, Clone, Default, Args)]
pub struct HostConfig {
    /// Secret that the host's site signs tokens of its people with (HS256)
    #[arg(long, env = "BELFRY_HOST_SECRET", hide_env_values = true)]
    pub host_secret: Option<Secret>,
    /// File with the host site's public keys (a JWK set), instead of a secret; read again when it changes
    #[arg(long, env = "BELFRY_JWKS_FILE")]
    pub jwks_file: Option<PathBuf>,
    /// What the host's tokens must name in `aud`; without it that is not looked at
    #[arg(long, env = "BELFRY_HOST_AUD")]
    pub host_aud: Option<String>,
    /// People of the host's site kept in memory, so that their tokens cost no query
    #[arg(long, env = "BELFRY_HOST_PEOPLE", default_value_t = 20_000)]
    pub host_people: usize,
}

/// What `belfry serve` does.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Store settings.
    #[command(flatten)]
    pub store: StoreConfig,
    /// The host's site.
    #[command(flatten)]
    pub host: HostConfig,
    /// Address of the server; port 0 picks one
    #[arg(long, env = "BELFRY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of the metrics, or `off`
    #[arg(long, env = "BELFRY_METRICS_LISTEN", default_value = "127.0.0.1:9090")]
    pub metrics_listen: MetricsListen,
    /// `redis://…` or `redis-cluster://…` carries events to other instances; without it they are found by looking
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,
    /// Instances there are: while Redis counts for none, each goes by that part of a rate; 2 with REDIS_URL, else 1
    #[arg(long, env = "BELFRY_INSTANCES")]
    pub instances: Option<u32>,
    /// Own origin and base of links; without it an Origin's host must equal Host
    #[arg(long, env = "BELFRY_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Origins allowed besides the own one
    #[arg(long, env = "BELFRY_ORIGINS", value_delimiter = ',')]
    pub origins: Vec<String>,
    /// Networks whose X-Forwarded-For is believed
    #[arg(long, env = "BELFRY_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Whether people may sign up
    #[arg(long, env = "BELFRY_REGISTRATION", default_value = "on")]
    pub registration: Switch,
    /// How long an access token lives
    #[arg(long, env = "BELFRY_ACCESS_TTL", default_value = "15m", value_parser = duration)]
    pub access_ttl: Duration,
    /// How long an unused refresh token lives
    #[arg(long, env = "BELFRY_REFRESH_TTL", default_value = "720h", value_parser = duration)]
    pub refresh_ttl: Duration,
    /// Passwords hashed at a time; each takes a thread and 19 MiB for some 20 ms
    #[arg(long, env = "BELFRY_PASSWORD_THREADS", default_value_t = 2)]
    pub password_threads: usize,
    /// Bounds of the socket layer.
    #[command(flatten)]
    pub sockets: SocketConfig,
    /// Bounds of contents and rates.
    #[command(flatten)]
    pub limits: Limits,
    /// The leave taken after SIGTERM.
    #[command(flatten)]
    pub drain: DrainConfig,
}

/// Bounds of the socket layer.
#[derive(Debug, Clone, Args)]
pub struct SocketConfig {
    /// Time between two heartbeats of a socket
    #[arg(long, env = "BELFRY_HEARTBEAT", default_value = "20s", value_parser = duration)]
    pub heartbeat: Duration,
    /// Sockets a person; the one silent for longest goes (4409)
    #[arg(long, env = "BELFRY_MAX_SOCKETS_PER_USER", default_value_t = 20)]
    pub max_sockets_per_user: usize,
    /// Sockets an address (429)
    #[arg(long, env = "BELFRY_MAX_SOCKETS_PER_ADDRESS", default_value_t = 500)]
    pub max_sockets_per_address: usize,
    /// Sockets in all (1013)
    #[arg(long, env = "BELFRY_MAX_SOCKETS", default_value_t = 100_000)]
    pub max_sockets: usize,
    /// Connections let in that were not answered yet; others wait their turn, which is 100 ms at most
    #[arg(long, env = "BELFRY_MAX_HANDSHAKES", default_value_t = 512)]
    pub max_handshakes: usize,
    /// Payload bytes of a message (1009)
    #[arg(long, env = "BELFRY_MAX_FRAME", default_value_t = 65_536)]
    pub max_frame: usize,
    /// Payload bytes of a message until `connect` is answered (1009)
    #[arg(long, env = "BELFRY_MAX_FIRST_FRAME", default_value_t = 32_768)]
    pub max_first_frame: usize,
    /// Bytes of unfinished messages of all sockets together; above it a socket that would add more is closed (1013)
    #[arg(long, env = "BELFRY_MAX_PARTIAL_BYTES", default_value_t = 67_108_864)]
    pub max_partial_bytes: usize,
    /// Time for a begun message to end (4508)
    #[arg(long, env = "BELFRY_FRAME_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub frame_timeout: Duration,
    /// Time for `connect` to come (4401)
    #[arg(long, env = "BELFRY_CONNECT_TIMEOUT", default_value = "5s", value_parser = duration)]
    pub connect_timeout: Duration,
    /// Subscriptions a socket (unprocessable)
    #[arg(long, env = "BELFRY_MAX_SUBSCRIPTIONS", default_value_t = 128)]
    pub max_subscriptions: usize,
    /// Time in which a socket that is owed bytes must take some (4508)
    #[arg(long, env = "BELFRY_SLOW_TIMEOUT", default_value = "20s", value_parser = duration)]
    pub slow_timeout: Duration,
    /// Bytes of replies that wait for a slow socket (4508)
    #[arg(long, env = "BELFRY_MAX_OUTBOX", default_value_t = 262_144)]
    pub max_outbox: usize,
    /// Events kept hot a channel
    #[arg(long, env = "BELFRY_TAIL_EVENTS", default_value_t = 1_024)]
    pub tail_events: usize,
    /// Bytes kept hot a channel
    #[arg(long, env = "BELFRY_TAIL_BYTES", default_value_t = 1_048_576)]
    pub tail_bytes: usize,
    /// Bytes kept hot in all
    #[arg(long, env = "BELFRY_TAIL_BUDGET", default_value_t = 268_435_456)]
    pub tail_budget: usize,
    /// How long a channel that nobody watches any more stays in memory
    #[arg(long, env = "BELFRY_CHANNEL_LINGER", default_value = "10s", value_parser = duration)]
    pub channel_linger: Duration,
    /// How often an instance tells the others that who was in a room there still is
    #[arg(long, env = "BELFRY_PRESENCE_REFRESH", default_value = "8s", value_parser = duration)]
    pub presence_refresh: Duration,
    /// How long who is on an instance that says nothing more still counts; one more refresh may pass until it is seen
    #[arg(long, env = "BELFRY_PRESENCE_TTL", default_value = "24s", value_parser = duration)]
    pub presence_ttl: Duration,
    /// Bytes of a signal's data (too_large)
    #[arg(long, env = "BELFRY_MAX_SIGNAL", default_value_t = 4_096)]
    pub max_signal: usize,
    /// Hot rooms and slow sockets.
    #[command(flatten)]
    pub hot: HotConfig,
    /// Looking for what the bus did not bring.
    #[command(flatten)]
    pub sweep: SweepConfig,
}

/// Bounds of contents and rates.
#[derive(Debug, Clone, Args)]
pub struct Limits {
    /// `off` lifts the rates, the signal caps, 4529 and the sockets an address; for load tests
    #[arg(long, env = "BELFRY_RATE_LIMITS", default_value = "on")]
    pub rate_limits: Switch,
    /// Bytes of a REST body
    #[arg(long, env = "BELFRY_MAX_BODY", default_value_t = 1_048_576)]
    pub max_body: usize,
    /// Bytes of a comment's rendered html
    #[arg(long, env = "BELFRY_MAX_COMMENT_HTML", default_value_t = 65_536)]
    pub max_comment_html: usize,
    /// Bytes of a post's rendered html
    #[arg(long, env = "BELFRY_MAX_POST_HTML", default_value_t = 1_048_576)]
    pub max_post_html: usize,
    /// Bytes of a custom event's data
    #[arg(long, env = "BELFRY_MAX_CUSTOM", default_value_t = 32_768)]
    pub max_custom: usize,
    /// Characters of a comment
    #[arg(long, env = "BELFRY_MAX_COMMENT_CHARS", default_value_t = 10_000)]
    pub max_comment_chars: usize,
    /// Different people that a comment mentions
    #[arg(long, env = "BELFRY_MAX_MENTIONS", default_value_t = 20)]
    pub max_mentions: usize,
    /// Notifications marked read at once
    #[arg(long, env = "BELFRY_MAX_READ_IDS", default_value_t = 1_000)]
    pub max_read_ids: usize,
    /// People told by one notice of a back end
    #[arg(long, env = "BELFRY_MAX_RECIPIENTS", default_value_t = 1_000)]
    pub max_recipients: usize,
    /// Characters of a notice's title
    #[arg(long, env = "BELFRY_MAX_NOTICE_TITLE_CHARS", default_value_t = 300)]
    pub max_notice_title_chars: usize,
    /// Characters of a notice's body
    #[arg(long, env = "BELFRY_MAX_NOTICE_CHARS", default_value_t = 2_000)]
    pub max_notice_chars: usize,
    /// Characters of a notice's group
    #[arg(long, env = "BELFRY_MAX_GROUP_CHARS", default_value_t = 200)]
    pub max_group_chars: usize,
    /// Characters of a post's title
    #[arg(long, env = "BELFRY_MAX_TITLE_CHARS", default_value_t = 300)]
    pub max_title_chars: usize,
    /// Characters of a post's body
    #[arg(long, env = "BELFRY_MAX_POST_CHARS", default_value_t = 100_000)]
    pub max_post_chars: usize,
    /// Characters of a name
    #[arg(long, env = "BELFRY_MAX_NAME_CHARS", default_value_t = 60)]
    pub max_name_chars: usize,
    /// Tags of a post
    #[arg(long, env = "BELFRY_MAX_TAGS", default_value_t = 10)]
    pub max_tags: usize,
    /// Characters of a tag
    #[arg(long, env = "BELFRY_MAX_TAG_CHARS", default_value_t = 30)]
    pub max_tag_chars: usize,
    /// Characters of the key of a page, at most 600
    #[arg(long, env = "BELFRY_MAX_PAGE_KEY_CHARS", default_value_t = 255)]
    pub max_page_key_chars: usize,
    /// Characters of the address of a page
    #[arg(long, env = "BELFRY_MAX_URL_CHARS", default_value_t = 2_000)]
    pub max_url_chars: usize,
    /// Different emoji on a comment
    #[arg(long, env = "BELFRY_MAX_EMOJI", default_value_t = 20)]
    pub max_emoji: usize,
    /// Characters of the reason of a ban
    #[arg(long, env = "BELFRY_MAX_REASON_CHARS", default_value_t = 500)]
    pub max_reason_chars: usize,
    /// Commands a second and socket, in the long run
    #[arg(long, env = "BELFRY_COMMANDS_PER_SECOND", default_value_t = 20)]
    pub commands_per_second: u32,
    /// Commands at once a socket
    #[arg(long, env = "BELFRY_COMMAND_BURST", default_value_t = 150)]
    pub command_burst: u32,
    /// Comments a minute and person
    #[arg(long, env = "BELFRY_COMMENTS_PER_USER", default_value_t = 10)]
    pub comments_per_user: u32,
    /// Comments a minute and address
    #[arg(long, env = "BELFRY_COMMENTS_PER_ADDRESS", default_value_t = 60)]
    pub comments_per_address: u32,
    /// Pages that may be made from an address in 10 minutes
    #[arg(long, env = "BELFRY_PAGES_PER_ADDRESS", default_value_t = 20)]
    pub pages_per_address: u32,
    /// Sign-ins an address in 10 minutes
    #[arg(long, env = "BELFRY_SIGN_INS_PER_ADDRESS", default_value_t = 10)]
    pub sign_ins_per_address: u32,
    /// Sign-ins to an account in 10 minutes, from wherever
    #[arg(long, env = "BELFRY_SIGN_INS_PER_ACCOUNT", default_value_t = 50)]
    pub sign_ins_per_account: u32,
    /// Sign-ups an address in 10 minutes
    #[arg(long, env = "BELFRY_SIGN_UPS_PER_ADDRESS", default_value_t = 5)]
    pub sign_ups_per_address: u32,
    /// Signals a second and socket; more are dropped
    #[arg(long, env = "BELFRY_SIGNALS_PER_SOCKET", default_value_t = 5)]
    pub signals_per_socket: u32,
    /// Signals a second and room; more are dropped
    #[arg(long, env = "BELFRY_SIGNALS_PER_ROOM", default_value_t = 100)]
    pub signals_per_room: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("7d"), duration("168h"));
        for bad in
            ["", "5", "s", "-5s", "5 s", "1.5s", "5w", "99999999999999999999s", "18446744073709551615h", "87601h"]
        {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret: Secret = "swordfish".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "[redacted]");
    }
}
