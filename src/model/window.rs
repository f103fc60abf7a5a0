//! Windows in which things that come fast wait for one another, so that several go together. One opens by itself while
//! that pays and closes again. No I/O; times are passed in, in microseconds of one clock.
//!
//! **Invariant.** Whatever comes goes at once, or at a time told in advance that is no later than the window is wide.
//! What comes alone, longer after the last than that, never waits.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// How long what came is remembered: the rate is an average over about this time.
const MEMORY_US: f64 = 500_000.0;

/// How many things on average have to come within a window's width.
#[derive(Debug, Clone, Copy)]
pub struct Pays {
    /// From here on it opens.
    pub from: f64,
    /// Below this it closes; less than `from`, so that it does not flutter.
    pub until: f64,
}

/// One window.
#[derive(Debug, Default)]
pub struct Window {
    /// What came lately, all the less the longer ago.
    level: f64,
    at_us: u64,
    width_us: u64,
    /// When something last went.
    went_us: Option<u64>,
    due_us: Option<u64>,
    open: bool,
}

/// The windows of things that have a name, with something kept for each; those in which nothing happens are forgotten.
#[derive(Debug)]
pub struct Windows<K, V> {
    pays: Pays,
    each: HashMap<K, (Window, V)>,
    due: BTreeSet<(u64, K)>,
}

impl Window {
    /// Something comes. `None` where it goes at once, else when it does. A width of nothing makes nothing wait.
    pub fn come(&mut self, now_us: u64, width_us: u64, pays: Pays) -> Option<u64> {
        self.fade(now_us);
        self.level += 1.0;
        self.width_us = width_us;
        self.judge(pays);
        if self.due_us.is_some() {
            return self.due_us;
        }
        let next_us = self.went_us.map_or(0, |went_us| went_us + width_us);
        if self.open && next_us > now_us {
            self.due_us = Some(next_us);
        } else {
            self.went_us = Some(now_us);
        }
        self.due_us
    }

    /// Lets what waits go, if its time has come; whether it does.
    pub fn take(&mut self, now_us: u64) -> bool {
        let due = self.due_us.take_if(|due_us| *due_us <= now_us).is_some();
        if due {
            self.went_us = Some(now_us);
        }
        due
    }

    /// Time has passed: closes where it does not pay any more. Whether there is anything to remember.
    pub fn look(&mut self, now_us: u64, pays: Pays) -> bool {
        self.fade(now_us);
        self.judge(pays);
        self.open || self.due_us.is_some() || self.level >= 0.5
    }

    /// Whether things wait for one another.
    pub fn is_open(&self) -> bool {
        self.open
    }

    fn fade(&mut self, now_us: u64) {
        let passed_us = now_us.saturating_sub(self.at_us);
        self.level *= (-(passed_us as f64) / MEMORY_US).exp();
        self.at_us = self.at_us.max(now_us);
    }

    fn judge(&mut self, pays: Pays) {
        let within = self.level * self.width_us as f64 / MEMORY_US;
        self.open = within >= if self.open { pays.until } else { pays.from };
    }
}

impl<K: Copy + Eq + Hash + Ord, V> Windows<K, V> {
    /// Nothing has come.
    pub fn new(pays: Pays) -> Self {
        Self { pays, each: HashMap::new(), due: BTreeSet::new() }
    }

    /// Something comes by this name: its window, what is kept with it, and whether it waits.
    pub fn come(&mut self, key: K, now_us: u64, width_us: u64, new: impl FnOnce() -> V) -> (&Window, &mut V, bool) {
        let (window, kept) = self.each.entry(key).or_insert_with(|| (Window::default(), new()));
        let due_us = window.come(now_us, width_us, self.pays);
        self.due.extend(due_us.map(|due_us| (due_us, key)));
        (window, kept, due_us.is_some())
    }

    /// When something that waits goes next.
    pub fn next_due(&self) -> Option<u64> {
        self.due.first().map(|(due_us, _)| *due_us)
    }

    /// What is kept where something waited whose time has come; one after the other.
    pub fn take(&mut self, now_us: u64) -> Option<&mut V> {
        let due = self.due.first().is_some_and(|(due_us, _)| *due_us <= now_us);
        let (_, key) = due.then(|| self.due.pop_first()).flatten()?;
        let (window, kept) = self.each.get_mut(&key)?;
        window.take(now_us);
        Some(kept)
    }

    /// What is kept for each.
    pub fn each(&mut self) -> impl Iterator<Item = &mut V> {
        self.each.values_mut().map(|(_, kept)| kept)
    }

    /// Time has passed: shows each window, and forgets those in which nothing happens any more.
    pub fn look(&mut self, now_us: u64, mut show: impl FnMut(&Window, &mut V)) {
        let pays = self.pays;
        self.each.retain(|_, (window, kept)| {
            let keep = window.look(now_us, pays);
            show(window, kept);
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAYS: Pays = Pays { from: 1.5, until: 1.0 };
    const MS: u64 = 1_000;

    /// Something comes every so often for a second; how often it waited, and the longest wait.
    fn paced(window: &mut Window, from_us: u64, every_us: u64, width_us: u64) -> (usize, u64) {
        let (mut waited, mut longest_us) = (0, 0);
        for now_us in (from_us..from_us + 1_000 * MS).step_by(every_us as usize) {
            if let Some(due_us) = window.due_us.filter(|due_us| *due_us <= now_us) {
                assert!(window.take(due_us));
            }
            if let Some(due_us) = window.come(now_us, width_us, PAYS) {
                waited += 1;
                longest_us = longest_us.max(due_us - now_us);
            }
        }
        (waited, longest_us)
    }

    #[test]
    fn what_comes_now_and_then_never_waits_nor_does_a_small_crowd() {
        let mut window = Window::default();
        assert_eq!(paced(&mut window, 0, 20 * MS, 10 * MS), (0, 0));
        let mut window = Window::default();
        assert!((0..70).all(|n| window.come(n, 10 * MS, PAYS).is_none()));
        assert!(!window.is_open());
    }

    #[test]
    fn it_opens_while_much_comes_and_closes_by_itself() {
        let mut window = Window::default();
        let (waited, longest_us) = paced(&mut window, 0, MS, 10 * MS);
        assert!(window.is_open() && waited > 800 && longest_us <= 10 * MS, "{waited} {longest_us}");
        // Slower than it is wide: nothing waits although it is still open for a while.
        assert!(paced(&mut window, 1_020 * MS, 11 * MS, 10 * MS).0 <= 1);
        assert!(window.look(2_100 * MS, PAYS));
        assert!(!window.look(8_000 * MS, PAYS) && !window.is_open());
    }

    #[test]
    fn it_opens_and_closes_at_its_edges() {
        // At once, so that nothing fades: a width of as long as the memory reaches counts each as one.
        let width_us = MEMORY_US as u64;
        let pays = Pays { from: 4.0, until: 2.0 };
        let mut window = Window::default();
        let opens: Vec<_> = (0..5).map(|_| (window.come(7, width_us, pays), window.is_open()).1).collect();
        assert_eq!(opens, [false, false, false, true, true]);
        let fades_to = |level: f64| (7.0 + MEMORY_US * (5.0 / level).ln()) as u64;
        assert!(window.look(fades_to(2.01), pays) && window.is_open());
        window.look(fades_to(1.99), pays);
        assert!(!window.is_open());
    }

    #[test]
    fn without_a_width_nothing_waits_however_much_comes() {
        let mut window = Window::default();
        assert!((0..10_000).all(|now_us| window.come(now_us, 0, PAYS).is_none()));
        assert!(!window.is_open());
    }

    proptest! {
        #[test]
        fn whatever_comes_goes_within_the_width_and_while_it_is_open_no_more_often_than_that(
            steps in prop::collection::vec((0..30_000u64, 0..3usize), 1..400),
            widths in prop::collection::vec(0..20_000u64, 1..4),
        ) {
            let mut windows = Windows::<u8, Vec<u64>>::new(PAYS);
            let (mut now_us, mut went) = (0, Vec::<u64>::new());
            let mut come = 0;
            let mut gone = 0;
            let go = |windows: &mut Windows<u8, Vec<u64>>, until_us: u64, went: &mut Vec<u64>, gone: &mut usize| {
                while let Some(due_us) = windows.next_due().filter(|due_us| *due_us <= until_us) {
                    let waiting = std::mem::take(windows.take(due_us).expect("it is due"));
                    assert!(!waiting.is_empty() && waiting.iter().all(|came_us| due_us - came_us <= 20_000));
                    *gone += waiting.len();
                    went.push(due_us);
                }
            };
            for (pause_us, crowd) in steps {
                now_us += if crowd == 0 { pause_us } else { pause_us / 100 };
                go(&mut windows, now_us, &mut went, &mut gone);
                let width_us = widths[come % widths.len()];
                come += 1;
                let (_, waiting, waits) = windows.come(1, now_us, width_us, Vec::new);
                if waits {
                    waiting.push(now_us);
                } else {
                    prop_assert!(waiting.is_empty(), "it overtakes what waits");
                    gone += 1;
                    went.push(now_us);
                }
                if crowd == 2 {
                    windows.look(now_us, |_, _| {});
                }
            }
            go(&mut windows, u64::MAX, &mut went, &mut gone);
            prop_assert_eq!(gone, come, "each goes once");
            prop_assert!(went.is_sorted(), "in order");
            windows.look(now_us + 60_000_000, |window, _| assert!(!window.is_open()));
            prop_assert!(windows.each.is_empty() && windows.due.is_empty(), "nothing is remembered for ever");
        }
    }
}
