//! The settings file: one section a room, each room's own struct.

use std::path::{Path, PathBuf};

use pipeline::{RedactionConfig, Redactor};
use serde::Deserialize;
use settings::ConfigProblem;

/// What an operator may write. Unknown keys are refused, so that a typing error is not a silent default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    redaction: RedactionConfig,
}

/// Checked settings.
pub(crate) struct Settings {
    pub(crate) redactor: Redactor,
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("settings file {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("settings file {path}: {message}")]
    Parse { path: PathBuf, message: String },
    #[error("settings: {0}")]
    Check(String),
}

/// The settings of `path`; the defaults where there is none.
///
/// Errors: every problem of the file at once, each with its place.
pub(crate) fn load(path: Option<&Path>) -> Result<Settings, FileError> {
    let raw = match path {
        Some(path) => read(path)?,
        None => Raw::default(),
    };
    let redactor = Redactor::new(&raw.redaction).map_err(check)?;
    Ok(Settings { redactor })
}

fn read(path: &Path) -> Result<Raw, FileError> {
    let text = std::fs::read_to_string(path).map_err(|source| FileError::Read {
        path: path.to_owned(),
        source,
    })?;
    if text.trim().is_empty() {
        return Ok(Raw::default());
    }
    serde_saphyr::from_str(&text).map_err(|error| FileError::Parse {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

fn check(problems: Vec<ConfigProblem>) -> FileError {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    FileError::Check(problems.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Settings, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("causeline.yaml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path))
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert!(load(None).is_ok());
        assert!(load_text("").is_ok());
    }

    #[test]
    fn rules_of_ones_own_are_read() {
        let rules = "redaction:\n  hash_key: 0123456789abcdef\n  rules:\n    - {name: customers, action: hash, keys: [enduser.id]}\n";
        assert!(load_text(rules).is_ok());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let unknown = load_text("redactoin: {}\n").err().unwrap().to_string();
        assert!(unknown.contains("redactoin"), "{unknown}");
        let bad = load_text("redaction:\n  rules:\n    - {name: x, action: mask, pattern: '('}\n")
            .err()
            .unwrap()
            .to_string();
        assert!(bad.contains("redaction.rules"), "{bad}");
    }

    #[test]
    fn the_documented_example_is_valid() {
        let page = include_str!("../../../docs/settings.md");
        let example = page
            .split("```yaml\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        load_text(example).map(drop).unwrap();
    }
}
