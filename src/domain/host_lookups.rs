//! People of the host's site whom nobody here knows yet, looked up together: what waits while one query runs goes in
//! the next, however many sockets ask. So a storm of them costs a few queries, and new ones a few writes.

use super::DomainError;
use super::host_people::{Desk, Known, host_person, says};
use super::host_tokens::HostToken;
use crate::model::Account;
use crate::protocol::codes::ErrorCode;
use crate::store::StoreError;
use crate::store::write::{EnsureHostPeople, HostPerson};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How much is looked up together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Together {
    /// Tokens whose people are looked up by one query, and made by one write, which others wait for.
    pub(super) at_once: usize,
    /// Tokens that wait for their turn; more are `unavailable`.
    pub(super) most: usize,
}

impl Default for Together {
    fn default() -> Self {
        Self { at_once: 512, most: 16_384 }
    }
}

type Answer = Result<Known, DomainError>;

/// A token, and who waits to learn whose it is.
struct Ask {
    token: HostToken,
    answer: oneshot::Sender<Answer>,
}

/// Where people are asked for.
pub(super) struct Lookups {
    asks: mpsc::Sender<Ask>,
}

impl Lookups {
    /// Begins to look people up; ends when this is dropped.
    pub(super) fn start(desk: Arc<Desk>, together: Together) -> Self {
        let (asks, waiting) = mpsc::channel(together.most);
        tokio::spawn(look_up_again_and_again(desk, waiting, together.at_once));
        Self { asks }
    }

    /// The person of a good token, made if they are new.
    pub(super) async fn ask(&self, token: HostToken) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.asks.try_send(Ask { token, answer }).map_err(|_| unavailable("too many sign in at once"))?;
        answered.await.unwrap_or_else(|_| Err(unavailable("nobody is looked up any more")))
    }
}

fn unavailable(why: &str) -> DomainError {
    DomainError { retry_after: Some(Duration::from_secs(1)), ..DomainError::new(ErrorCode::Unavailable, why) }
}

async fn look_up_again_and_again(desk: Arc<Desk>, mut waiting: mpsc::Receiver<Ask>, at_once: usize) {
    let mut asks = Vec::new();
    while waiting.recv_many(&mut asks, at_once).await > 0 {
        let found = desk.look_up(words(&asks)).await;
        for Ask { token, answer } in asks.drain(..) {
            let known = found.get(&token.external_id).cloned();
            // Whoever has gone meanwhile is not missed.
            let _ = answer.send(known.unwrap_or_else(|| Err(unavailable("nobody was found"))));
        }
    }
}

/// What is said of each person, in the order of the host's names for them; of several tokens the last signed counts.
fn words(asks: &[Ask]) -> BTreeMap<String, HostToken> {
    let mut words: BTreeMap<String, HostToken> = BTreeMap::new();
    for Ask { token, .. } in asks {
        let word = words.entry(token.external_id.clone()).or_insert_with(|| token.clone());
        if token.signed_at > word.signed_at {
            *word = token.clone();
        }
    }
    words
}

impl Desk {
    /// Looks people up by one query, and makes or changes by one write those of whom something else is said than kept.
    async fn look_up(&self, words: BTreeMap<String, HostToken>) -> HashMap<String, Answer> {
        let reading = self.begin();
        let names: Vec<String> = words.keys().cloned().collect();
        let there = match self.store.read().host_people(&names).await {
            Ok(there) => there,
            Err(error) => {
                let error = DomainError::from(error);
                return names.into_iter().map(|name| (name, Err(error.clone()))).collect();
            }
        };
        let mut there: HashMap<String, Account> =
            there.into_iter().filter_map(|account| Some((account.external_id.clone()?, account))).collect();
        there.retain(|name, account| says(&words[name], account));
        let unsaid: Vec<HostPerson> =
            words.values().filter(|token| !there.contains_key(&token.external_id)).map(host_person).collect();
        let mut answers: HashMap<String, Answer> = HashMap::new();
        for (name, kept) in self.keep_all(unsaid).await {
            answers.insert(name.clone(), kept.map(|account| self.remember(&reading, &words[&name], account)));
        }
        for (name, account) in there {
            let known = self.remember(&reading, &words[&name], account);
            answers.insert(name, Ok(known));
        }
        answers
    }

    /// Keeps what is said of people; what cannot be kept of one of them is no reason to refuse the others.
    async fn keep_all(&self, people: Vec<HostPerson>) -> Vec<(String, Result<Account, DomainError>)> {
        if people.is_empty() {
            return Vec::new();
        }
        let names: Vec<String> = people.iter().map(|person| person.external_id.clone()).collect();
        let kept = match self.store.write(EnsureHostPeople { people: people.clone() }).await {
            Ok(kept) => kept.into_iter().map(|kept| Ok(kept.account)).collect(),
            Err(StoreError::Rejected(_) | StoreError::Internal(_)) if people.len() > 1 => {
                let mut each = Vec::with_capacity(people.len());
                for person in people {
                    let kept = self.store.write(EnsureHostPeople { people: vec![person] }).await;
                    let kept = kept.map(|mut kept| kept.pop().map(|kept| kept.account));
                    each.push(kept.map_err(DomainError::from).and_then(|kept| kept.ok_or_else(|| unavailable("gone"))));
                }
                each
            }
            Err(error) => vec![Err(DomainError::from(error)); names.len()],
        };
        names.into_iter().zip(kept).collect()
    }
}

#[cfg(test)]
#[path = "host_lookups_tests.rs"]
mod tests;
