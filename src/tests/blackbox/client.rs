//! A client that survives everything: it reconnects, resumes from where it stood, repeats what was not answered with
//! the same key, and writes down all it does and sees.

use crate::history::{Event, Mark, Op, View};
use crate::mind::{Mind, Write};
use crate::support::wire::{Codec, Incoming, Socket, upgrade_over};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::time::Instant;

/// Writes of one client that wait for their answer.
const IN_FLIGHT: usize = 4;
/// Between two writes of one client.
const PACE: Duration = Duration::from_millis(15);
/// A socket on which nothing came for this long is given up, heartbeats being far more frequent.
const SILENCE: Duration = Duration::from_secs(10);

/// What the clients of a run shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Write on and on.
    Writing,
    /// The same, but nothing that depends on what was written before.
    Plain,
    /// Begin nothing new; get the answers to what was begun.
    Settling,
    /// End.
    Done,
}

/// When something was first and last seen, by channel, epoch and seq.
type Sights = HashMap<(String, String, u64), (Instant, Instant)>;

/// What the clients of a run share.
pub struct Run {
    /// Every write, in the order of what was known when.
    pub ops: Mutex<Vec<Op>>,
    /// What has happened so far.
    pub progress: watch::Sender<Progress>,
    /// What is to be done.
    pub phase: watch::Sender<Phase>,
    /// When each event was seen.
    seen: Mutex<Sights>,
}

/// What has happened so far.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Writes acknowledged.
    pub acks: u64,
    /// `welcome`s received.
    pub welcomes: u64,
    /// Subscriptions that went on from where they stood, and those that had to begin anew.
    pub recovered: (u64, u64),
    /// Writes begun and not answered.
    pub open: u64,
    /// Sockets given up because nothing came any more.
    pub silent: u64,
    /// Sockets that ended in another way than planned: silent, cut, or not let in.
    pub cut: u64,
    /// Writes answered `unavailable`, each of which was asked again.
    pub unavailable: u64,
    /// Where each view stands: epoch and seq by name and channel.
    pub positions: BTreeMap<(String, String), (String, u64)>,
}

impl Run {
    /// A run that begins with writing.
    pub fn new() -> Arc<Self> {
        let (progress, phase) = (watch::Sender::new(Progress::default()), watch::Sender::new(Phase::Writing));
        Arc::new(Self { ops: Mutex::default(), progress, phase, seen: Mutex::default() })
    }

    /// The longest time that an event took from its first sight to its last.
    pub fn worst_delivery(&self) -> Duration {
        let seen = self.seen.lock().unwrap();
        seen.values().map(|(first, last)| *last - *first).max().unwrap_or_default()
    }

    fn see(&self, channel: &str, epoch: &str, seq: u64) {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap();
        seen.entry((channel.to_owned(), epoch.to_owned(), seq))
            .and_modify(|(_, last)| *last = now)
            .or_insert((now, now));
    }

    /// Writes down what was done.
    pub fn note(&self, op: Op) {
        self.ops.lock().unwrap().push(op);
    }
}

/// Who a client is.
pub struct Plan {
    /// Unique in the run, and the beginning of its keys.
    pub name: String,
    /// Signs it in.
    pub token: String,
    /// How it talks.
    pub codec: Codec,
    /// What it watches.
    pub channels: Vec<String>,
    /// Where it writes; nowhere, and it only reads.
    pub rooms: Vec<u64>,
    /// Comments of the owner's that stay as they are, and the emoji that this client puts on them and takes away.
    pub marks: Vec<(u64, u64)>,
    /// One of a few.
    pub emoji: &'static str,
    /// Of its choices.
    pub seed: u64,
}

/// One channel as this client sees it.
#[derive(Default)]
struct Sight {
    /// Epoch and seq where it stands; nowhere before the first `subscribed`.
    at: Option<(String, u64)>,
    marks: Vec<Mark>,
}

/// The client.
pub struct Client {
    plan: Plan,
    run: Arc<Run>,
    random: StdRng,
    views: BTreeMap<String, Sight>,
    writes: Vec<Write>,
    mind: Mind,
    next_id: u64,
    /// When it may come back, as it was told before a planned end.
    invited: Option<Instant>,
}

impl Client {
    /// A client that has not begun.
    pub fn new(plan: Plan, run: Arc<Run>) -> Self {
        let views = plan.channels.iter().map(|channel| (channel.clone(), Sight::default())).collect();
        let random = StdRng::seed_from_u64(plan.seed);
        Self { plan, run, random, views, writes: Vec::new(), mind: Mind::default(), next_id: 1, invited: None }
    }

    /// Works until the run is done, on whichever instance takes it; returns what was seen.
    pub async fn work(mut self, addresses: Vec<SocketAddr>) -> Vec<View> {
        let mut phase = self.run.phase.subscribe();
        while *phase.borrow_and_update() != Phase::Done {
            let headers = [("sec-websocket-protocol", self.plan.codec.subprotocol())];
            let address = addresses[self.random.random_range(0..addresses.len())];
            let upgrade = upgrade_over(TcpSocket::new_v4().unwrap(), address, "/ws", &headers);
            if let Ok(Ok(Ok((stream, _)))) = tokio::time::timeout(SILENCE, upgrade).await {
                self.session(Socket::over(stream, self.plan.codec), &mut phase).await;
            }
            let invited = self.invited.take();
            self.run.progress.send_modify(|progress| progress.cut += u64::from(invited.is_none()));
            // When it was told to, or full jitter before the next attempt; an end of the run is not slept through.
            let pause = match invited {
                Some(at) => at.saturating_duration_since(Instant::now()),
                None => Duration::from_millis(self.random.random_range(0..100)),
            };
            let _ = tokio::time::timeout(pause, phase.wait_for(|phase| *phase == Phase::Done)).await;
        }
        for write in std::mem::take(&mut self.writes) {
            self.run.note(Op::Info { key: write.key });
        }
        let name = self.plan.name;
        self.views
            .into_iter()
            .map(|(channel, Sight { marks, .. })| View { name: name.clone(), channel, marks })
            .collect()
    }

    /// One socket from `connect` to its end.
    async fn session(&mut self, mut socket: Socket, phase: &mut watch::Receiver<Phase>) {
        for write in &mut self.writes {
            write.sent = None;
        }
        let subscriptions: Vec<Value> =
            self.views.iter().map(|(channel, sight)| self.subscription(channel, &sight.at)).collect();
        let connect = json!({"type": "connect", "id": 1, "token": self.plan.token, "subscriptions": subscriptions});
        if socket.send(&connect).await.is_err() {
            return;
        }
        self.next_id = 2;
        let mut pace = tokio::time::interval(PACE);
        loop {
            let now = *phase.borrow_and_update();
            if now == Phase::Done {
                return;
            }
            tokio::select! {
                incoming = tokio::time::timeout(SILENCE, socket.receive()) => match incoming {
                    Ok(Incoming::Message(message)) => self.hear(&message),
                    Ok(Incoming::Closed(_)) => return,
                    Err(_) => {
                        self.run.progress.send_modify(|progress| progress.silent += 1);
                        return;
                    }
                },
                _ = pace.tick(), if self.has_to_say(now) => {
                    if self.is_free(now) {
                        self.begin(now == Phase::Plain);
                    }
                    // What waits goes in the order in which it was begun, before anything newer.
                    for write in self.writes.iter_mut().filter(|write| write.sent.is_none()) {
                        write.sent = Some(self.next_id);
                        write.command["id"] = self.next_id.into();
                        self.next_id += 1;
                        if socket.send(&write.command).await.is_err() {
                            return;
                        }
                    }
                }
                changed = phase.changed() => changed.unwrap(),
            }
        }
    }

    /// What is said to follow a channel on; half of the clients are seen where they are.
    fn subscription(&self, channel: &str, at: &Option<(String, u64)>) -> Value {
        let mut subscription = json!({"channel": channel});
        if let Some((epoch, seq)) = at {
            subscription = json!({"channel": channel, "epoch": epoch, "since": seq});
        }
        if self.plan.codec == Codec::Json && channel.starts_with("post:") {
            subscription["presence"] = true.into();
        }
        subscription
    }

    fn has_to_say(&self, now: Phase) -> bool {
        self.is_free(now) || self.writes.iter().any(|write| write.sent.is_none())
    }

    fn is_free(&self, now: Phase) -> bool {
        let writes = matches!(now, Phase::Writing | Phase::Plain) && !self.plan.rooms.is_empty();
        writes && self.writes.len() < IN_FLIGHT
    }

    /// Begins a write that waits to be sent.
    fn begin(&mut self, plain: bool) {
        let write = match plain {
            true => self.mind.say(&self.plan, &mut self.random),
            false => self.mind.think(&self.plan, &mut self.random, &self.writes),
        };
        let channel = write.channel.clone();
        self.run.note(Op::Invoke { key: write.key.clone(), channel, action: write.action });
        self.run.progress.send_modify(|progress| progress.open += 1);
        self.writes.push(write);
    }

    fn hear(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "welcome" => {
                for body in message["subscriptions"].as_array().expect("welcome answers each channel") {
                    self.subscribed(body);
                }
                self.run.progress.send_modify(|progress| progress.welcomes += 1);
            }
            "subscribed" => self.subscribed(message),
            "event" => {
                let event = Event::read(message);
                self.mind.notice(&event);
                self.mark(message["channel"].as_str().unwrap(), None, event.seq, Mark::Event(event));
            }
            "resync" => {
                let (epoch, seq) = place(message);
                let mark = Mark::Resync { epoch: epoch.clone(), seq };
                self.mark(message["channel"].as_str().unwrap(), Some(epoch), seq, mark);
            }
            "reply" | "error" => self.answered(message),
            "going_away" => {
                let after = message["reconnect_after_ms"].as_u64().expect("it says when to come back");
                self.invited = Some(Instant::now() + Duration::from_millis(after));
            }
            "unsubscribed" => panic!("{} lost a channel: {message}", self.plan.name),
            _ => {}
        }
    }

    fn subscribed(&mut self, body: &Value) {
        assert!(body["error"].is_null(), "{} was refused a channel: {body}", self.plan.name);
        let channel = body["channel"].as_str().unwrap();
        let recovered = body["recovered"].as_bool().unwrap();
        let events = body["events"].as_array().expect("events is always there");
        let (epoch, told) = place(body);
        let stood = self.views[channel].at.as_ref().map(|(_, seq)| *seq);
        self.run.progress.send_modify(|progress| {
            let (again, anew) = &mut progress.recovered;
            *if recovered { again } else { anew } += u64::from(stood.is_some());
        });
        assert!(recovered || events.is_empty(), "never a part of a hole: {body}");
        if recovered {
            let seq = stood.unwrap_or(0);
            let mark = Mark::Subscribed { epoch: epoch.clone(), seq, recovered };
            self.mark(channel, Some(epoch.clone()), seq, mark);
            for event in events.iter().map(Event::read) {
                self.mark(channel, None, event.seq, Mark::Event(event));
            }
        }
        // After recovered events this says once more where the view stands, and the checker whether that is true.
        let mark = Mark::Subscribed { epoch: epoch.clone(), seq: told, recovered };
        self.mark(channel, Some(epoch), told, mark);
    }

    fn mark(&mut self, channel: &str, epoch: Option<String>, seq: u64, mark: Mark) {
        let Sight { at, marks } =
            self.views.get_mut(channel).unwrap_or_else(|| panic!("{channel} was never asked for"));
        let stood = at.take().map(|(epoch, _)| epoch);
        let another = stood.is_some() && epoch.is_some() && stood != epoch;
        let epoch = epoch.or(stood).expect("events follow a subscription");
        if matches!(mark, Mark::Event(_)) {
            self.run.see(channel, &epoch, seq);
        }
        *at = Some((epoch.clone(), seq));
        marks.push(mark);
        if another {
            // What was written before may be gone, and its ids may be another's.
            self.mind.forget();
        }
        let name = (self.plan.name.clone(), channel.to_owned());
        self.run.progress.send_modify(|progress| drop(progress.positions.insert(name, (epoch, seq))));
    }

    fn answered(&mut self, message: &Value) {
        let index = self.writes.iter().position(|write| write.sent.is_some() && message["id"].as_u64() == write.sent);
        let index = index.unwrap_or_else(|| panic!("{} was told {message}", self.plan.name));
        if message["type"] == "error" {
            let code = message["error"]["code"].as_str().unwrap();
            if code == "unavailable" {
                self.writes[index].sent = None;
                self.run.progress.send_modify(|progress| progress.unavailable += 1);
                return;
            }
            // Nothing that is written here may be refused: every comment is one's own, and there.
            panic!("{} was refused {}: {message}", self.plan.name, self.writes[index].command);
        }
        let write = self.writes.remove(index);
        let (id, seq) = self.mind.learn(&write, &message["data"]);
        self.run.note(Op::Ok { key: write.key, id, seq });
        self.run.progress.send_modify(|progress| {
            progress.acks += 1;
            progress.open -= 1;
        });
    }
}

fn place(message: &Value) -> (String, u64) {
    (message["epoch"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap())
}
