//! What may befall the core in its model.

use proptest::prelude::*;

/// Clients of the model.
pub(super) const CLIENTS: usize = 3;

/// What happens next. Numbers choose among what there is.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Events are committed and published.
    Commit(usize),
    /// A published event arrives, and may arrive again.
    Arrive(usize, bool),
    /// A published event is lost.
    Lose(usize),
    /// What a hole hides is read, as far as this.
    Repair(usize),
    /// Heads and epoch are compared with the database.
    Sweep,
    /// Those who follow are told that the log is another one.
    TellResync,
    /// The database becomes another one: so much of the log is kept, so much is written at once.
    Replace(usize, usize),
    /// A client finds out where it can go on.
    Prepare(usize),
    /// What lies before the tail is asked for, or comes.
    History,
    /// What a client prepared comes into force.
    Follow(usize),
    /// A client's socket takes so many frames.
    Visit(usize, usize),
    /// A client's socket is cut.
    Cut(usize),
    /// Memory is short.
    Shrink,
    /// Nobody has watched for a while.
    ForgetTail,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    prop_oneof![
        6 => (1..5usize).prop_map(Step::Commit),
        8 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(at, again)| Step::Arrive(at.index(1 << 16), again)),
        2 => any::<prop::sample::Index>().prop_map(|at| Step::Lose(at.index(1 << 16))),
        3 => (1..6usize).prop_map(Step::Repair),
        2 => Just(Step::Sweep),
        2 => Just(Step::TellResync),
        1 => (0..8usize, 0..8usize).prop_map(|(kept, written)| Step::Replace(kept, written)),
        4 => client.clone().prop_map(Step::Prepare),
        1 => Just(Step::History),
        4 => client.clone().prop_map(Step::Follow),
        8 => (client.clone(), 1..9usize).prop_map(|(client, frames)| Step::Visit(client, frames)),
        2 => client.prop_map(Step::Cut),
        1 => Just(Step::Shrink),
        2 => Just(Step::ForgetTail),
    ]
}
