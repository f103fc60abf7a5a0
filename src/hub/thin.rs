//! What is told of a room less often while it is hot: who is there, and who writes there. Nothing is lost by it, since
//! what is told next has all of it; the first telling never waits.

/// When one of them was told last, in milliseconds of the hub.
#[derive(Default)]
pub struct Thin(Option<u64>);

impl Thin {
    /// Whether it may be told now; `every_ms` is the shortest time between two tellings of a hot room.
    pub fn admits(&self, hot: bool, every_ms: u64, now_ms: u64) -> bool {
        !hot || self.0.is_none_or(|told_ms| now_ms >= told_ms + every_ms)
    }

    /// It is told.
    pub fn tell(&mut self, now_ms: u64) {
        self.0 = Some(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_room_is_told_at_once_and_again_after_the_pause_and_any_other_as_ever() {
        let mut thin = Thin::default();
        assert!(thin.admits(true, 1_000, 0));
        thin.tell(5);
        assert!(!thin.admits(true, 1_000, 1_004) && thin.admits(true, 1_000, 1_005));
        assert!(thin.admits(false, 1_000, 6));
    }
}
