//! Who else uses the server while small rooms are measured: each is a thread, there until it is told to leave.

use crate::arguments::{Arguments, Failure};
use crate::belfry::Belfry;
use crate::crowd::Crowd;
use crate::dialect;
use crate::http::Http;
use crate::load::gather;
use crate::publisher::Publisher;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two messages in the busy room.
const MESSAGE: Duration = Duration::from_millis(100);
/// Between two sign-ins, two lists and two long texts.
const SIGN_IN: Duration = Duration::from_millis(200);
const LIST: Duration = Duration::from_millis(20);
const TEXT: Duration = Duration::from_millis(200);
/// Characters of a long text, about.
const LONG: usize = 90_000;
/// Comments in what is listed.
const LISTED: usize = 100;
/// Signals that a flood writes at once.
const AT_ONCE: usize = 64;
/// The longest that a thread does something without looking whether it is to leave.
const LOOK: Duration = Duration::from_millis(10);

/// A kind of neighbour.
#[derive(Clone, Copy)]
pub enum Neighbour {
    /// A huge room, ten messages a second.
    Room,
    /// A socket that signals as fast as it is read.
    Flood,
    /// Passwords, lists of comments and long texts, some a second.
    Requests,
}

/// What neighbours are made of.
pub struct Place {
    address: SocketAddr,
    /// How the busy room and the one that is flooded are spoken to.
    room: Vec<String>,
    flood: Vec<String>,
    busy: usize,
    /// The people of the busy room are followed by whoever floods and asks.
    token: String,
    listed: String,
}

/// A neighbour who is there, or on the way.
pub struct MovedIn {
    told: Arc<Told>,
    thread: JoinHandle<Result<u64, String>>,
}

#[derive(Default)]
struct Told {
    ready: AtomicBool,
    leave: AtomicBool,
}

impl Told {
    fn goes_on(&self) -> bool {
        !self.leave.load(Ordering::Relaxed)
    }
}

impl Place {
    /// Posts of their own.
    pub const POSTS: usize = 3;

    /// Behind `small` people and `rooms` posts there are `busy` people and one more, and the posts.
    pub fn take(
        belfry: &Belfry,
        data: &Path,
        address: SocketAddr,
        rooms: usize,
        small: usize,
        busy: usize,
    ) -> Result<Self, Failure> {
        let (tokens, posts) = (fs::read_to_string(belfry.tokens())?, fs::read_to_string(belfry.posts())?);
        let (tokens, posts): (Vec<_>, Vec<_>) = (tokens.lines().collect(), posts.lines().collect());
        let [room, flood, listed] = posts[rooms..rooms + Self::POSTS] else { return Err("too few posts".into()) };
        let spoken = |name: &str, tokens: &[&str], post: &str| -> Result<Vec<String>, Failure> {
            let [kept, posts] = ["tokens", "posts"].map(|what| data.join(format!("{name}-{what}")));
            fs::write(&kept, tokens.join("\n"))?;
            fs::write(&posts, post)?;
            let [kept, posts] = [kept, posts].map(|path| path.to_string_lossy().into_owned());
            let words = ["--dialect", "belfry", "--publish", "signal", "--tokens", &kept, "--posts", &posts];
            Ok(words.map(str::to_owned).to_vec())
        };
        let last = small + busy;
        let mut http = Http::connect(address, tokens[last])?;
        for number in 0..LISTED {
            http.send(&format!("/posts/{listed}/comments"), &json!({"body": format!("number **{number}**")}))?;
            http.receive()?;
        }
        Ok(Self {
            address,
            room: spoken("room", &tokens[small..=last], room)?,
            flood: spoken("flood", &tokens[last..=last], flood)?,
            busy,
            token: tokens[last].to_owned(),
            listed: listed.to_owned(),
        })
    }

    /// Lets one in.
    pub fn let_in(&self, neighbour: Neighbour) -> MovedIn {
        let told = Arc::<Told>::default();
        let (heard, address, busy) = (told.clone(), self.address, self.busy);
        let (room, flood, token, listed) =
            (self.room.clone(), self.flood.clone(), self.token.clone(), self.listed.clone());
        let live = move || match neighbour {
            Neighbour::Room => fill_room(&heard, address, room, busy),
            Neighbour::Flood => pour(&heard, address, flood),
            Neighbour::Requests => ask(&heard, address, &token, &listed),
        };
        MovedIn { told, thread: std::thread::spawn(move || live().map_err(|error| error.to_string())) }
    }
}

impl MovedIn {
    /// Whether it does by now what it came for; an error where it cannot.
    pub fn is_ready(&self) -> Result<bool, Failure> {
        if self.thread.is_finished() {
            return Err("a neighbour has left before its time".into());
        }
        Ok(self.told.ready.load(Ordering::Relaxed))
    }

    /// Sends it away; how often it did what it came for.
    pub fn leave(self) -> Result<u64, Failure> {
        self.told.leave.store(true, Ordering::Relaxed);
        Ok(self.thread.join().map_err(|_| "a neighbour panicked")??)
    }
}

/// Time until something is due that is done every so often; none where it is due now, and then it is due again later.
fn wait(due: &mut Instant, each: Duration) -> Option<Duration> {
    let left = due.saturating_duration_since(Instant::now());
    if left.is_zero() {
        *due += each;
        return None;
    }
    Some(left)
}

fn fill_room(told: &Told, address: SocketAddr, words: Vec<String>, busy: usize) -> Result<u64, Failure> {
    let dialect = dialect::take(&mut Arguments::read(words.into_iter())?, address, 1)?;
    let mut crowd = Crowd::new(dialect.as_ref())?;
    gather(&mut crowd, dialect.as_ref(), busy, 1)?;
    let mut publisher = Publisher::open(dialect.as_ref(), &mut crowd, 1)?;
    publisher.fit(&mut crowd)?;
    told.ready.store(true, Ordering::Relaxed);
    let (first, mut due, mut published) = (crowd.tally.delivered, Instant::now(), 0);
    while told.goes_on() {
        match wait(&mut due, MESSAGE) {
            Some(left) => crowd.turn(left.min(LOOK))?,
            None => {
                publisher.publish(&mut crowd, &[Instant::now()])?;
                published += 1;
            }
        }
    }
    // Who was not served has not been busy.
    if !crowd.read_until(first + published * busy as u64)? {
        return Err("the busy room was not served".into());
    }
    Ok(published)
}

fn pour(told: &Told, address: SocketAddr, words: Vec<String>) -> Result<u64, Failure> {
    let dialect = dialect::take(&mut Arguments::read(words.into_iter())?, address, 1)?;
    let mut stream = dialect.publisher()?.stream;
    let signals = dialect.publication(0, &"x".repeat(100)).repeat(AT_ONCE);
    let mut sent = 0;
    told.ready.store(true, Ordering::Relaxed);
    while told.goes_on() {
        stream.write_all(&signals)?;
        sent += AT_ONCE as u64;
    }
    Ok(sent)
}

fn ask(told: &Told, address: SocketAddr, token: &str, listed: &str) -> Result<u64, Failure> {
    let mut lines = [0; 3].map(|_| Http::connect(address, token));
    let [Ok(signs), Ok(lists), Ok(writes)] = &mut lines else { return Err("no connection".into()) };
    let text = "Some *emphasis*, a [link](https://example.org) and `code`.\n\n".repeat(LONG / 60);
    let (post, list) =
        (json!({"title": "A long text", "body": text}), format!("/api/v1/posts/{listed}/comments?limit=100"));
    let mail = format!("{}@bench.example", Instant::now().elapsed().as_nanos() + u128::from(std::process::id()));
    let person = json!({"name": "Somebody", "email": mail, "password": "correct horse", "session": "body"});
    let login = json!({"email": mail, "password": "correct horse", "session": "body"});
    signs.send("/auth/register", &person)?;
    signs.receive()?;
    told.ready.store(true, Ordering::Relaxed);
    let now = Instant::now();
    let (mut sign, mut look, mut write, mut done) = (now, now, now, 0);
    while told.goes_on() {
        // Together, so that each kind is beside the others.
        let [due_sign, due_list, due_write] =
            [wait(&mut sign, SIGN_IN), wait(&mut look, LIST), wait(&mut write, TEXT)].map(|left| left.is_none());
        if due_sign {
            signs.send("/auth/login", &login)?;
        }
        if due_write {
            writes.send("/posts", &post)?;
        }
        if due_list {
            lists.ask(&list)?;
        }
        for (asked, line) in [(due_list, &mut *lists), (due_sign, &mut *signs), (due_write, &mut *writes)] {
            if asked {
                line.receive()?;
                done += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(done)
}
