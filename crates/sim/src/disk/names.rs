//! Folders and the names of files.

use std::collections::{BTreeMap, BTreeSet};

/// The names at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) folders: BTreeSet<String>,
    /// The number of each file.
    pub(super) files: BTreeMap<String, usize>,
}

/// A change of names.
#[derive(Debug, Clone)]
pub(super) enum Rename {
    Folder(String),
    Is(String, usize),
    Gone(String),
    Moved(String, String, usize),
}

impl Names {
    pub(super) fn apply(&mut self, rename: &Rename) {
        match rename {
            Rename::Folder(path) => drop(self.folders.insert(path.clone())),
            Rename::Is(path, number) => drop(self.files.insert(path.clone(), *number)),
            Rename::Gone(path) => drop(self.files.remove(path)),
            Rename::Moved(from, to, number) => {
                self.files.remove(from);
                self.files.insert(to.clone(), *number);
            }
        }
    }

    /// Forgets what lies in folders that did not survive.
    pub(super) fn drop_unreachable(&mut self) {
        let folders = self.folders.clone();
        let reachable = |path: &str| {
            let mut ends = path.match_indices('/').map(|(at, _)| at);
            ends.all(|end| folders.contains(&path[..end]))
        };
        self.folders.retain(|path| reachable(path));
        self.files.retain(|path, _| reachable(path));
    }

    pub(super) fn has_file(&self, number: usize) -> bool {
        self.files.values().any(|n| *n == number)
    }
}

impl Rename {
    /// The folder whose sync makes the change durable.
    pub(super) fn folder(&self) -> &str {
        let (Self::Folder(path) | Self::Is(path, _) | Self::Gone(path) | Self::Moved(path, ..)) =
            self;
        parent(path)
    }
}

/// The folder that holds `path`.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
