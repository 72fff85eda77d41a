//! Remembers resources and scopes in which nothing was found, since every batch of a process repeats them.

use std::sync::{Mutex, PoisonError};

use hashbrown::HashSet;

use super::rule::Place;

/// How many texts are remembered; 32 bytes each. Then all are forgotten and learned anew.
const TEXTS_MAX: usize = 16_384;

/// Digests of clean texts: neither a text nor anything of a text with hits is held.
#[derive(Debug, Default)]
pub(crate) struct CleanTexts {
    /// A std mutex: held for one look-up, a few times a batch, never across an await.
    digests: Mutex<HashSet<[u8; 32]>>,
}

impl CleanTexts {
    pub(crate) fn knows(&self, place: Place, text: &str) -> bool {
        let digest = digest(place, text);
        let digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        digests.contains(&digest)
    }

    pub(crate) fn remember(&self, place: Place, text: &str) {
        let digest = digest(place, text);
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if digests.len() >= TEXTS_MAX {
            digests.clear();
        }
        digests.insert(digest);
    }
}

fn digest(place: Place, text: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[place as u8]).update(text.as_bytes());
    *hasher.finalize().as_bytes()
}
