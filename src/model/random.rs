//! Chance, passed in so that tests can be exact.

use rand::RngCore;
use std::sync::Arc;

/// A source of random bytes good enough for secrets.
pub trait Entropy: Send + Sync + 'static {
    /// Fills the whole buffer.
    fn fill(&self, bytes: &mut [u8]);

    /// A number below `bound` (0 where `bound` is 0), for jitter.
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        if bound == 0 { 0 } else { u64::from_le_bytes(bytes) % bound }
    }
}

/// A shared source of chance.
pub type SharedEntropy = Arc<dyn Entropy>;

/// The operating system's randomness, through a generator of this thread.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
