//! The command line: arguments and environment become settings, outcomes become exit codes.
//!
//! 0: done; 1: cannot run; 2: a setting or an argument cannot be used, said in one line on stderr.

use crate::app::seed::{self, Amount};
use crate::app::{self, Mode, StartError};
use crate::config::{Config, Limits, StoreConfig, duration};
use crate::domain::bans::{MAX_REASON_CHARS, NewBan};
use crate::domain::credentials::SCOPES;
use crate::http;
use crate::lifecycle::{self, Stop};
use crate::model::{Ban, Role};
use crate::telemetry;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Live comments, presence, shared editing and a notification inbox in one process.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, after_help = "Without a command: serve. Its settings: belfry serve --help")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (what happens without a command)
    Serve(Box<Config>),
    /// Bring the database's schema up to date
    Migrate(StoreConfig),
    /// Print access tokens of people, or an API key, one a line
    Token(TokenArgs),
    /// Give a person a role
    Role(RoleArgs),
    /// Ban a person, let one in again, or tell who is banned
    Ban(BanArgs),
    /// Write people, posts and conversations to look at, or a long one to measure; again within a week adds nothing
    Seed(SeedArgs),
    /// Tell the epoch of the database, or give it a new one
    Epoch(EpochArgs),
    /// Print the document of the REST API, as a server with these settings tells it
    Openapi(Limits),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true).args(["name", "api_key"]))]
struct TokenArgs {
    /// Name of the person: found by the handle made from it, made where missing
    #[arg(long)]
    name: Option<String>,
    /// So many people, `NAME 1` to `NAME N`
    #[arg(long, conflicts_with = "api_key", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: Option<u32>,
    /// How long the tokens live
    #[arg(long, conflicts_with = "api_key", default_value = "1h", value_parser = duration)]
    ttl: Duration,
    /// Name of the back end that gets a key
    #[arg(long)]
    api_key: Option<String>,
    /// What the key may do
    #[arg(long, conflicts_with = "name", value_delimiter = ',', default_values = SCOPES, value_parser = SCOPES)]
    scope: Vec<String>,
    #[command(flatten)]
    store: StoreConfig,
}

#[derive(Debug, Args)]
struct RoleArgs {
    /// The person's handle
    handle: String,
    /// user, moderator or admin
    #[arg(value_parser = role)]
    role: Role,
    #[command(flatten)]
    store: StoreConfig,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("who").required(true).args(["handle", "list"]))]
struct BanArgs {
    /// The person's handle
    handle: Option<String>,
    /// When the ban ends by itself, such as 2026-03-01T12:00:00Z; else it holds until it is lifted
    #[arg(long, conflicts_with_all = ["lift", "list"])]
    until: Option<String>,
    /// How long it holds, such as 7d
    #[arg(long = "for", conflicts_with_all = ["until", "lift", "list"], value_parser = duration)]
    length: Option<Duration>,
    /// Why
    #[arg(long, conflicts_with_all = ["lift", "list"])]
    reason: Option<String>,
    /// Let the person in again
    #[arg(long, conflicts_with = "list")]
    lift: bool,
    /// Tell who is banned, until when and why, one a line
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    store: StoreConfig,
}

#[derive(Debug, Args)]
struct SeedArgs {
    #[command(flatten)]
    amount: Amount,
    #[command(flatten)]
    store: StoreConfig,
}

#[derive(Debug, Args)]
struct EpochArgs {
    /// Give it a new one, so that every client fetches anew: needed after a cold copy of a Postgres cluster
    #[arg(long)]
    new: bool,
    #[command(flatten)]
    store: StoreConfig,
}

fn role(name: &str) -> Result<Role, String> {
    Role::from_name(name).ok_or_else(|| "use `user`, `moderator` or `admin`".into())
}

/// Does what the arguments say. `arguments` begin with the name of the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match Cli::try_parse_from(with_default(arguments)) {
        Ok(cli) => cli.command,
        Err(error) => return told(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&StartError::Cannot(format!("no threads: {error}"))),
    };
    match runtime.block_on(carry_out(command)) {
        Ok(lines) => print(&lines),
        Err(error) => failed(&error),
    }
}

/// Without a command the server is meant, with or without its settings.
fn with_default(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let general = ["-h", "--help", "-V", "--version"];
    let named = arguments.get(1).is_some_and(|first| {
        let first = first.to_string_lossy();
        !first.starts_with('-') || general.contains(&first.as_ref())
    });
    if !named {
        arguments.insert(1.min(arguments.len()), "serve".into());
    }
    arguments
}

/// What is to be printed.
async fn carry_out(command: Command) -> Result<Vec<String>, StartError> {
    match command {
        Command::Serve(config) => serve(*config).await.map(|()| Vec::new()),
        Command::Migrate(config) => {
            app::open_backend(&config, Mode::Beside).await?.close().await;
            Ok(vec!["the schema is up to date".into()])
        }
        Command::Token(arguments) => {
            let beside = app::Beside::open(&arguments.store).await?;
            let printed = tokens(&beside, &arguments).await;
            beside.close().await;
            printed
        }
        Command::Role(RoleArgs { handle, role, store }) => {
            let beside = app::Beside::open(&store).await?;
            let changed = beside.set_role(handle, role).await;
            beside.close().await;
            changed.map(|account| vec![format!("{}: {}", account.user.handle, account.role.name())])
        }
        Command::Ban(arguments) => {
            let beside = app::Beside::open(&arguments.store).await?;
            let told = ban(&beside, arguments).await;
            beside.close().await;
            told
        }
        Command::Seed(SeedArgs { amount, store }) => {
            let beside = app::Beside::open(&store).await?;
            let written = seed::seed(&beside, amount).await;
            beside.close().await;
            written
        }
        Command::Epoch(EpochArgs { new, store }) => {
            let beside = app::Beside::open(&store).await?;
            let epoch = if new { beside.renew_epoch().await } else { beside.epoch().await };
            beside.close().await;
            epoch.map(|epoch| vec![epoch])
        }
        Command::Openapi(limits) => Ok(vec![format!("{:#}", http::openapi::document(&limits))]),
    }
}

/// Serves until the first signal has been obeyed; a second one ends it at once.
async fn serve(config: Config) -> Result<(), StartError> {
    telemetry::install(std::env::var(telemetry::FILTER).ok().as_deref())
        .map_err(|error| StartError::Setting(error.to_string()))?;
    let stop = Stop::default();
    tokio::select! {
        served = app::serve(config, stop.clone()) => served,
        signalled = lifecycle::signals(stop) => Err(StartError::Cannot(match signalled {
            Ok(()) => "stopped by a second signal".into(),
            Err(error) => format!("signals cannot be heard: {error}"),
        })),
    }
}

async fn tokens(beside: &app::Beside, arguments: &TokenArgs) -> Result<Vec<String>, StartError> {
    if arguments.ttl < Duration::from_secs(1) {
        return Err(StartError::Setting("--ttl must be at least 1s".into()));
    }
    let accounts = beside.accounts()?;
    match (&arguments.name, &arguments.api_key) {
        (Some(name), _) => Ok(accounts.people(name, arguments.count, arguments.ttl).await?),
        (None, Some(name)) => Ok(vec![accounts.make_api_key(name, arguments.scope.clone()).await?]),
        (None, None) => Err(StartError::Setting("--name or --api-key is needed".into())),
    }
}

async fn ban(beside: &app::Beside, arguments: BanArgs) -> Result<Vec<String>, StartError> {
    let bans = beside.bans(MAX_REASON_CHARS);
    let Some(handle) = arguments.handle else {
        return Ok(bans.all().await?.into_iter().map(banned).collect());
    };
    if arguments.lift {
        let account = bans.lift_by_hand(handle).await?;
        return Ok(vec![format!("{}: not banned", account.user.handle)]);
    }
    let until = arguments.until.or_else(|| arguments.length.map(|length| beside.now().plus(length).to_string()));
    let ending = until.as_ref().map_or_else(|| "until lifted".into(), |until| format!("until {until}"));
    let account = bans.ban_by_hand(handle, NewBan { until, reason: arguments.reason }).await?;
    Ok(vec![format!("{}: banned {ending}", account.user.handle)])
}

/// One line, whatever the reason is made of.
fn banned(ban: Ban) -> String {
    let until = ban.until.map_or_else(|| "until lifted".to_owned(), |until| format!("until {until}"));
    let reason = ban.reason.unwrap_or_default();
    let words = [ban.user.handle + ":", until].into_iter().chain(reason.split_whitespace().map(str::to_owned));
    words.collect::<Vec<_>>().join(" ")
}

fn print(lines: &[String]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let printed = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn failed(error: &StartError) -> ExitCode {
    complain(&error.to_string());
    match error {
        StartError::Setting(_) => ExitCode::from(2),
        StartError::Cannot(_) => ExitCode::FAILURE,
    }
}

/// Help and version go to stdout; what is wrong becomes one line.
fn told(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return print(&[error.to_string().trim_end().to_owned()]);
    }
    complain(&one_line(error));
    ExitCode::from(2)
}

fn complain(text: &str) {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.insert_str(0, "belfry: ");
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    match variable(error) {
        Some(variable) => format!("{text} ({variable})"),
        None => text.to_owned(),
    }
}

/// The environment variable of the argument that is wrong: mostly that is where the value came from.
fn variable(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let long = argument.split([' ', '=']).next()?.strip_prefix("--")?;
    let cli = Cli::command();
    let mut arguments = cli.get_subcommands().flat_map(clap::Command::get_arguments);
    let found = arguments.find(|known| known.get_long() == Some(long))?;
    found.get_env().map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, clap::Error> {
        let arguments = ["belfry"].iter().chain(arguments).map(OsString::from);
        Cli::try_parse_from(with_default(arguments)).map(|cli| cli.command)
    }

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_the_server_is_meant() {
        assert!(matches!(parse(&[]), Ok(Command::Serve(_))));
        assert!(matches!(parse(&["--listen", "127.0.0.1:0"]), Ok(Command::Serve(_))));
        assert!(matches!(parse(&["serve"]), Ok(Command::Serve(_))));
        assert_eq!(parse(&["--help"]).unwrap_err().kind(), ErrorKind::DisplayHelp);
    }

    #[test]
    fn a_token_is_of_a_person_or_of_a_back_end() {
        assert!(matches!(parse(&["token", "--name", "Ada", "--count", "3", "--ttl", "2m"]), Ok(Command::Token(_))));
        let Ok(Command::Token(key)) = parse(&["token", "--api-key", "blog"]) else { panic!("no key") };
        assert_eq!(key.scope, SCOPES);
        let Ok(Command::Token(key)) = parse(&["token", "--api-key", "blog", "--scope", "publish,notify"]) else {
            panic!("no key")
        };
        assert_eq!(key.scope, ["publish", "notify"]);
        for bad in [
            &["token"][..],
            &["token", "--name", "Ada", "--api-key", "blog"],
            &["token", "--api-key", "blog", "--count", "2"],
            &["token", "--api-key", "blog", "--scope", "everything"],
            &["token", "--name", "Ada", "--count", "0"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_in_one_line_with_its_variable() {
        let line = one_line(&parse(&["serve", "--heartbeat", "soon"]).unwrap_err());
        assert!(line.contains("BELFRY_HEARTBEAT") && line.contains("soon") && !line.contains('\n'), "{line}");
        let line = one_line(&parse(&["role", "ada", "king"]).unwrap_err());
        assert!(line.contains("king") && line.contains("moderator"), "{line}");
    }

    #[test]
    fn help_documents_each_setting_once() {
        let mut cli = Cli::command();
        let serve = cli.find_subcommand_mut("serve").unwrap();
        let help = serve.render_long_help().to_string();
        let named = serve.get_arguments().filter_map(clap::Arg::get_env).count();
        assert!(named > 30);
        for argument in serve.get_arguments().filter(|argument| argument.get_env().is_some()) {
            let mark = format!("[env: {}=", argument.get_env().unwrap().to_string_lossy());
            let told = help.matches(&mark).count() + help.matches(&format!("{}]", mark.trim_end_matches('='))).count();
            assert_eq!(told, 1, "{mark}");
        }
    }
}
