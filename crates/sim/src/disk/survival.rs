//! What a loss of power leaves.

use super::{Contents, put};
use crate::chance::Chance;

/// What survives a loss of power of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// Only what was synced.
    Nothing,
    /// All of it.
    Everything,
    /// In the order of writing, up to some byte.
    Prefix(u64),
    /// Some of the sectors of 512 bytes, some of the names.
    Sectors(u64),
    /// Some of the bytes, some of the names.
    Bytes(u64),
}

/// Decides what survives.
pub(super) struct Survival {
    survives: Survives,
    chance: Chance,
    /// Units left of a prefix.
    left: u64,
}

impl Survival {
    pub(super) fn new(survives: Survives) -> Self {
        let seed = match survives {
            Survives::Nothing | Survives::Everything => 0,
            Survives::Prefix(seed) | Survives::Sectors(seed) | Survives::Bytes(seed) => seed,
        };
        let chance = Chance::new(seed);
        let left = chance.below(2048);
        Self {
            survives,
            chance,
            left,
        }
    }

    pub(super) fn keeps_name(&mut self) -> bool {
        match self.survives {
            Survives::Nothing => false,
            Survives::Everything => true,
            Survives::Prefix(_) => {
                let keeps = self.left > 0;
                self.left = self.left.saturating_sub(256);
                keeps
            }
            Survives::Sectors(_) | Survives::Bytes(_) => self.chance.below(2) == 0,
        }
    }

    pub(super) fn contents(&mut self, file: &Contents) -> Contents {
        let mut durable = file.durable.clone();
        for (offset, bytes) in &file.writes {
            let unit = match self.survives {
                Survives::Bytes(_) => 1 + self.chance.below(97) as usize,
                _ => 512,
            };
            for (number, piece) in bytes.chunks(unit).enumerate() {
                let kept = self.kept(piece.len());
                if kept > 0 {
                    put(&mut durable, offset + number * unit, &piece[..kept]);
                }
            }
        }
        Contents {
            now: durable.clone(),
            durable,
            modified_unix_nano: file.modified_unix_nano,
            ..Contents::default()
        }
    }

    /// How many bytes of a piece of `len` survive.
    fn kept(&mut self, len: usize) -> usize {
        match self.survives {
            Survives::Nothing => 0,
            Survives::Everything => len,
            Survives::Prefix(_) => {
                let kept = self.left.min(len as u64);
                self.left -= kept;
                kept as usize
            }
            Survives::Sectors(_) | Survives::Bytes(_) => {
                if self.chance.below(3) == 0 {
                    0
                } else {
                    len
                }
            }
        }
    }
}
