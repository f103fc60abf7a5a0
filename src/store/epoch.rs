//! The epoch: one short printable value per database, from everything that tells it from its copies.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Bytes of the hash that are kept: enough that two databases never share an epoch.
const KEPT: usize = 12;

/// Hashes the parts, each with its length before it so that no two lists of parts read alike.
pub fn epoch_of(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..KEPT])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_depends_on_every_part_and_where_it_ends() {
        assert_eq!(epoch_of(&[b"ab", b"c"]), epoch_of(&[b"ab", b"c"]));
        assert_ne!(epoch_of(&[b"ab", b"c"]), epoch_of(&[b"a", b"bc"]));
        assert_eq!(epoch_of(&[b"ab"]).len(), 16);
    }
}
