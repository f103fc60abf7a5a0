//! Something to look at: people, posts and conversations, for a first look and for measuring.
//!
//! Everything goes through the domain, as if people had written it, and bears an idempotency key: seeding the same again
//! within the life of a key adds nothing.

mod texts;

use super::{Beside, StartError};
use crate::config::{Limits, Switch};
use crate::domain::comments::{Comments, NewComment};
use crate::domain::limits::{Fleet, RateLimits};
use crate::domain::posts::{NewPost, Posts};
use crate::domain::takebacks::Takebacks;
use crate::domain::{DomainError, Identity, profile};
use crate::model::{Account, Comment, PostId, SessionId};
use clap::{Args, FromArgMatches};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use texts::{ANSWERS, EMOJI, OPENINGS, PEOPLE, POSTS, Text};

/// Writes that wait together, so that they share transactions.
const AT_ONCE: usize = 256;
/// One in so many comments begins a thread.
const OPENED: u32 = 3;
/// Answers are not answered below this.
const DEEPEST: i64 = 6;

/// How much to write.
#[derive(Debug, Clone, Copy, Args)]
pub struct Amount {
    /// Comments on the posts, together
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub comments: u32,
    /// Comments on one more post, for measuring
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub large: u32,
}

/// Who writes through what.
struct Seed {
    posts: Posts,
    comments: Comments,
    people: Vec<Identity>,
    bar: ProgressBar,
}

/// A comment that may be answered.
struct Said<'a> {
    comment: Comment,
    author: &'a Identity,
}

/// A comment to be written, and reactions to it.
struct Line<'a> {
    author: &'a Identity,
    new: NewComment,
    reactions: Vec<(&'a Identity, &'static str)>,
}

/// Writes what was asked for; says what is there then, a line each.
pub async fn seed(beside: &Beside, amount: Amount) -> Result<Vec<String>, StartError> {
    let people: Vec<(String, String)> =
        PEOPLE.iter().map(|name| (profile::handle_from(name, profile::MAX_HANDLE), (*name).to_owned())).collect();
    let accounts = beside.people(people).await?;
    let limits = unlimited();
    let rates = Arc::new(RateLimits::new(&limits, beside.clock(), Fleet::alone()));
    let seed = Seed {
        posts: Posts::new(beside.store(), limits.clone(), rates.clone(), Arc::new(Takebacks::new(beside.store()))),
        comments: Comments::new(beside.store(), limits, rates),
        people: accounts.into_iter().map(|account| identity(account, beside)).collect(),
        bar: bar(u64::from(amount.comments) + u64::from(amount.large)),
    };
    let mut lines = vec![format!("{} people, from @{}", seed.people.len(), seed.people[0].handle)];
    let mut random = StdRng::seed_from_u64(1);
    let mut rest = amount.comments as usize;
    for (index, text) in POSTS.iter().enumerate() {
        let id = seed.post(index % seed.people.len(), text, &format!("seed-{index}")).await?;
        // The first post gets most: a thread that is alive, and others that are quiet.
        let share = if index + 1 == POSTS.len() { rest } else { rest.div_ceil(2) };
        rest -= share;
        seed.talk(id, share, &format!("seed-{index}"), &mut random).await?;
        lines.push(format!("post {id}: {share} comments"));
    }
    if amount.large > 0 {
        let text = Text { title: "A very long conversation", body: "For measuring.", tags: &["large"] };
        let id = seed.post(0, &text, "seed-large").await?;
        seed.talk(id, amount.large as usize, "seed-large", &mut random).await?;
        lines.push(format!("post {id}: {} comments", amount.large));
    }
    seed.bar.finish_and_clear();
    Ok(lines)
}

impl Seed {
    async fn post(&self, author: usize, text: &Text, key: &str) -> Result<PostId, DomainError> {
        let tags = text.tags.iter().map(|tag| (*tag).to_owned()).collect();
        let (title, body) = (text.title.to_owned(), text.body.to_owned());
        let post = NewPost { title, body, tags, key: Some(key.to_owned()) };
        Ok(self.posts.create(&self.people[author], post).await?.value.value.id)
    }

    /// Comments below a post, in waves: those of one may answer those of the ones before.
    async fn talk(&self, post: PostId, count: usize, key: &str, random: &mut StdRng) -> Result<(), DomainError> {
        let mut said: Vec<Said<'_>> = Vec::new();
        let mut written = 0;
        while written < count {
            // Small at first, so that also a short conversation has answers.
            let wave = AT_ONCE.min(count - written).min(said.len().max(4));
            let mut lines = Vec::with_capacity(wave);
            for n in written..written + wave {
                lines.push(self.line(post, &said, format!("{key}-{n}"), random));
            }
            let saying = lines.into_iter().map(|line| self.say(line));
            let comments: Vec<Said<'_>> = stream::iter(saying).buffered(AT_ONCE).try_collect().await?;
            written += wave;
            said.extend(comments);
            // Nobody answers what is long gone; and memory stays bounded.
            let old = said.len().saturating_sub(4 * AT_ONCE);
            said.drain(..old);
        }
        Ok(())
    }

    /// What is said next, and who reacts to it.
    fn line(&self, post_id: PostId, said: &[Said], key: String, random: &mut StdRng) -> Line<'_> {
        let anybody = |random: &mut StdRng| &self.people[random.random_range(0..self.people.len())];
        let author = anybody(random);
        let answered = (!said.is_empty() && !random.random_ratio(1, OPENED))
            .then(|| &said[random.random_range(0..said.len())])
            .filter(|said| said.comment.depth < DEEPEST);
        let body = match answered {
            None => OPENINGS[random.random_range(0..OPENINGS.len())].to_owned(),
            Some(said) => {
                ANSWERS[random.random_range(0..ANSWERS.len())].replace('@', &format!("@{}", said.author.handle))
            }
        };
        let reactions = if random.random_ratio(1, 4) { random.random_range(1..6) } else { 0 };
        let react = |_| {
            // The lower of two: what stands first is frequent.
            let emoji = random.random_range(0..EMOJI.len()).min(random.random_range(0..EMOJI.len()));
            (anybody(random), EMOJI[emoji])
        };
        let parent_id = answered.map(|said| said.comment.id);
        Line {
            author,
            new: NewComment { post_id, parent_id, body, key: Some(key) },
            reactions: (0..reactions).map(react).collect(),
        }
    }

    async fn say<'a>(&'a self, line: Line<'a>) -> Result<Said<'a>, DomainError> {
        let Line { author, new, reactions } = line;
        let comment = self.comments.create(author, IpAddr::V4(Ipv4Addr::LOCALHOST), new).await?.value;
        for (who, emoji) in reactions {
            self.comments.react(who, comment.id, emoji, true).await?;
        }
        self.bar.inc(1);
        Ok(Said { comment, author })
    }
}

fn identity(account: Account, beside: &Beside) -> Identity {
    let now = beside.clock().now();
    Identity {
        user_id: account.user.id,
        name: account.user.name,
        handle: account.user.handle,
        avatar_url: account.user.avatar_url,
        role: account.role,
        session_id: SessionId(1),
        issued_at: now,
        expires_at: now,
    }
}

/// The limits of the environment, without rates.
fn unlimited() -> Limits {
    let command = Limits::augment_args(clap::Command::new("seed").no_binary_name(true));
    let matches = command.get_matches_from(std::iter::empty::<&str>());
    let mut limits = Limits::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    limits.rate_limits = Switch(false);
    limits
}

/// On a terminal; elsewhere it says nothing.
fn bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} comments, {per_sec}, {eta} left");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
