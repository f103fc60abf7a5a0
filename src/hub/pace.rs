//! How fast one socket may send: the generic cell rate algorithm (ITU-T I.371), one number a rate.

/// A rate: so many a second in the long run, so many at once.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// What a socket has sent lately.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    commands_until_us: u64,
    signals_until_us: u64,
    /// In milliseconds, of which only the low bits are kept.
    window_from_ms: u32,
    window_count: u32,
}

/// How long ten times the rate makes a flood.
const FLOOD_WINDOW_MS: u32 = 10_000;

/// A command above the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooFast {
    /// Again after this many milliseconds.
    Wait(u64),
    /// So much above it that the socket is to be closed.
    Flood,
}

impl Pace {
    /// Takes `count` commands at `now_us`. A flood is ten times the rate, kept up for 10 s.
    pub fn command(&mut self, now_us: u64, count: u32, rate: Rate) -> Result<(), TooFast> {
        let now_ms = (now_us / 1_000) as u32;
        if now_ms.wrapping_sub(self.window_from_ms) >= FLOOD_WINDOW_MS {
            self.window_from_ms = now_ms;
            self.window_count = 0;
        }
        self.window_count = self.window_count.saturating_add(count);
        if self.window_count >= rate.per_second.saturating_mul(100) {
            return Err(TooFast::Flood);
        }
        take(&mut self.commands_until_us, now_us, count, rate).map_err(TooFast::Wait)
    }

    /// Takes a signal at `now_us`.
    pub fn signal(&mut self, now_us: u64, per_second: u32) -> bool {
        take(&mut self.signals_until_us, now_us, 1, Rate { per_second, burst: per_second }).is_ok()
    }
}

fn take(until_us: &mut u64, now_us: u64, count: u32, rate: Rate) -> Result<(), u64> {
    let each = 1_000_000 / u64::from(rate.per_second.max(1));
    let until = (*until_us).max(now_us) + each * u64::from(count);
    let latest = now_us + each * u64::from(rate.burst);
    if until <= latest {
        *until_us = until;
        Ok(())
    } else {
        Err((until - latest).div_ceil(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 20, burst: 150 };

    #[test]
    fn a_burst_passes_to_its_edge_and_then_the_long_run_rate_holds() {
        let mut pace = Pace::default();
        assert!((0..150).all(|_| pace.command(1, 1, RATE).is_ok()));
        assert_eq!(pace.command(1, 1, RATE), Err(TooFast::Wait(50)));
        assert_eq!(pace.command(50_001, 1, RATE), Ok(()));
        assert_eq!(pace.command(50_001, 1, RATE), Err(TooFast::Wait(50)));
    }

    #[test]
    fn ten_times_the_rate_for_ten_seconds_is_a_flood() {
        let mut pace = Pace::default();
        let below: Vec<_> = (0..10_000).map(|i| pace.command(1 + i * 5_100, 1, RATE)).collect();
        assert!(!below.contains(&Err(TooFast::Flood)));
        let mut pace = Pace::default();
        let at_once: Vec<_> = (0..2_000).map(|_| pace.command(1, 1, RATE)).collect();
        assert_eq!(at_once.iter().position(|taken| *taken == Err(TooFast::Flood)), Some(1_999));
    }

    #[test]
    fn signals_above_the_rate_are_dropped() {
        let mut pace = Pace::default();
        assert_eq!((0..10).filter(|_| pace.signal(1, 5)).count(), 5);
    }
}
