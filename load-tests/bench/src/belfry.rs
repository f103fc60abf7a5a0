//! Belfry under measurement: its people, their tokens, posts for rooms, and a key to publish with.

use crate::arguments::Failure;
use crate::http::Http;
use crate::server::{Running, listening, pinned};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A binary and a data folder that was filled for it.
pub struct Belfry {
    binary: PathBuf,
    data: PathBuf,
    key: String,
}

impl Belfry {
    /// Writes so many people, the last of whom publishes, and rooms.
    pub fn prepare(binary: PathBuf, data: &Path, people: usize, rooms: usize) -> Result<Self, Failure> {
        let mut belfry = Self { binary, data: data.to_owned(), key: String::new() };
        let server = belfry.serve(25)?;
        eprintln!("{people} people with tokens, and {rooms} rooms");
        let tokens = belfry.print(&["token", "--name", "Bench", "--count", &people.to_string(), "--ttl", "12h"])?;
        // What the author of a post writes there rings for nobody.
        let author = tokens.lines().last().ok_or("no token was printed")?.to_owned();
        std::fs::write(belfry.tokens(), tokens)?;
        belfry.key = belfry.print(&["token", "--api-key", "bench"])?.trim().to_owned();
        let mut http = Http::connect(server.address(), &author)?;
        let mut posts = String::new();
        for room in 0..rooms {
            http.send("/posts", &json!({"title": format!("room {room}"), "body": "for measuring"}))?;
            posts += &format!("{}\n", http.receive()?["id"].as_u64().ok_or("a post without an id")?);
        }
        std::fs::write(belfry.posts(), posts)?;
        Ok(belfry)
    }

    /// Starts it, with seconds between two heartbeats.
    pub fn serve(&self, heartbeat: u64) -> Result<Running, Failure> {
        let mut command = self.command();
        command.arg("serve").env("BELFRY_HEARTBEAT", format!("{heartbeat}s"));
        // Who signals is in all rooms.
        command.env("BELFRY_MAX_SUBSCRIPTIONS", "100000").env("BELFRY_MAX_FIRST_FRAME", "65536");
        listening(command)
    }

    /// What the load has to know.
    pub fn arguments(&self, codec: &str) -> Vec<String> {
        let [tokens, posts] = [self.tokens(), self.posts()].map(|path| path.to_string_lossy().into_owned());
        ["--tokens", &tokens, "--posts", &posts, "--api-key", &self.key, "--codec", codec].map(str::to_owned).to_vec()
    }

    /// What it calls itself.
    pub fn version(&self) -> Result<String, Failure> {
        Ok(self.print(&["--version"])?.split_whitespace().last().unwrap_or("?").to_owned())
    }

    /// A token a line.
    pub fn tokens(&self) -> PathBuf {
        self.data.join("tokens")
    }

    /// A post's id a line.
    pub fn posts(&self) -> PathBuf {
        self.data.join("posts")
    }

    fn command(&self) -> Command {
        settings(pinned(&self.binary), &self.data)
    }

    fn print(&self, arguments: &[&str]) -> Result<String, Failure> {
        print(self.command().args(arguments))
    }
}

/// A command with what every Belfry under measurement is told.
pub fn settings(mut command: Command, data: &Path) -> Command {
    command.env("BELFRY_DATA", data.join("belfry")).env("BELFRY_RATE_LIMITS", "off");
    command.env("BELFRY_LISTEN", "127.0.0.1:0").env("BELFRY_METRICS_LISTEN", "off").env("BELFRY_LOG", "error");
    command
}

/// Has it use this Postgres.
pub fn over(command: &mut Command, database: &str) {
    command.env("DATABASE_URL", database).env("BELFRY_JWT_SECRET", "for measuring and nothing else, 32 bytes");
}

/// Runs a subcommand to its end; what it prints.
pub fn print(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
