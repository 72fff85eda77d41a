//! What is wrong with a setting, and where it was set.

use std::fmt;
use std::path::PathBuf;

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in default.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable, by name.
    Environment(String),
    /// A flag of the command line, by name.
    CommandLine(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::CommandLine(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// One problem of one setting. A check reports all it finds, so a person repairs a file in one go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigProblem {
    /// The setting, for instance `redaction.rules[2].pattern`.
    pub path: String,
    /// What is wrong, lower-case; never the value of a secret.
    pub message: String,
    /// Where it was set, once the loader's caller has said so.
    pub origin: Option<Origin>,
    /// The line in the file, counted from 1, where the reader knows it.
    pub line: Option<u64>,
}

impl ConfigProblem {
    /// A problem `message` of the setting at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            origin: None,
            line: None,
        }
    }

    /// The same, with its origin.
    pub fn from_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match (&self.origin, self.line) {
            (Some(origin), Some(line)) => write!(f, " ({origin}, line {line})"),
            (Some(origin), None) => write!(f, " ({origin})"),
            (None, Some(line)) => write!(f, " (line {line})"),
            (None, None) => Ok(()),
        }
    }
}
