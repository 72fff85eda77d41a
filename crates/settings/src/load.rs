//! Reads raw settings from YAML.
//!
//! Layers: defaults, then the file, then what the binary's command line (and the environment, through it) says. The raw structs hold the
//! defaults (`#[serde(default, deny_unknown_fields)]`), so reading a file gives the first two; the binary sets the rest.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::{ConfigProblem, Origin};

/// Largest settings file, in bytes; a person does not write more.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The settings of the file at `path`.
///
/// Errors: the file cannot be read, is no YAML, or has an unknown key or a wrong value; with path, line and origin.
pub fn read_file<T: DeserializeOwned + Default>(path: &Path) -> Result<T, ConfigProblem> {
    let origin = Origin::File(path.to_owned());
    let unreadable = |e: std::io::Error| {
        ConfigProblem::new("", format!("cannot be read: {e}")).from_origin(origin.clone())
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > FILE_BYTES_MAX {
        let message = format!("is larger than {FILE_BYTES_MAX} bytes");
        return Err(ConfigProblem::new("", message).from_origin(origin));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    read_text(&text, &origin)
}

/// The settings of `text`, which came from `origin`; the defaults when it is empty.
///
/// Errors: as of [`read_file`].
pub fn read_text<T: DeserializeOwned + Default>(
    text: &str,
    origin: &Origin,
) -> Result<T, ConfigProblem> {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_blank) {
        return Ok(T::default());
    }
    // Without a snippet: it would print the neighbouring lines, secrets included.
    let options = serde_saphyr::options! { with_snippet: false };
    let mut path = String::new();
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |de| {
        serde_path_to_error::deserialize(de).map_err(|error| {
            path = error.path().to_string();
            error.into_inner()
        })
    });
    read.map_err(|error| ConfigProblem {
        path: if path == "." { String::new() } else { path },
        message: error.without_snippet().to_string(),
        origin: Some(origin.clone()),
        line: error.location().map(|at| at.line()),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{ByteSize, HumanDuration, Secret};

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Raw {
        port: Option<u16>,
        rooms: Vec<Room>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Room {
        size: ByteSize,
        wait: Option<HumanDuration>,
        key: Option<Secret>,
    }

    fn read(text: &str) -> Result<Raw, ConfigProblem> {
        read_text(text, &Origin::File("c.yaml".into()))
    }

    #[test]
    fn a_file_is_read_and_an_empty_one_is_the_default() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "port: 7070\nrooms:\n  - size: 64MiB\n    wait: 1h\n    key: hunter2\n  - size: 12\n",
        )
        .unwrap();
        let raw: Raw = read_file(file.path()).unwrap();
        assert_eq!(raw.port, Some(7070));
        assert_eq!(raw.rooms[0].size, ByteSize(64 << 20));
        assert_eq!(raw.rooms[0].wait.unwrap().0.as_secs(), 3_600);
        assert_eq!(raw.rooms[0].key.as_ref().unwrap().expose(), "hunter2");
        assert_eq!(raw.rooms[1].size, ByteSize(12));
        for text in ["", "\n# nothing\n"] {
            let raw = read(text).unwrap();
            assert!(raw.port.is_none() && raw.rooms.is_empty());
        }
    }

    #[test]
    fn problems_say_where() {
        let cases = [
            ("port: 7070\nprot: 1\n", 2, "prot"),
            ("rooms:\n  - size: 1B\n    colour: red\n", 3, "rooms[0]"),
            ("rooms:\n  - size: 1B\n  - size: 1XB\n", 3, "rooms[1].size"),
            ("port: 70700\n", 1, "port"),
            ("port: [1\n", 1, "port"),
            ("port: 1\nport: 2\n", 2, "port"),
        ];
        for (text, line, path) in cases {
            let problem = read(text).unwrap_err();
            let told = problem.to_string();
            assert!(told.contains("file c.yaml"), "{told}");
            assert_eq!(problem.line, Some(line), "{told}");
            assert!(told.contains(path), "{told}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let problem = read_file::<Raw>(Path::new("/does/not/exist.yaml")).unwrap_err();
        assert!(problem.to_string().contains("/does/not/exist.yaml"));
    }

    #[test]
    fn no_problem_shows_a_secret() {
        for text in [
            "rooms:\n  - size: 1B\n    key: [hunter2]\n",
            "rooms:\n  - key: hunter2\n    size: 1XB\n",
            "rooms:\n  - size: 1B\n    key: hunter2\n    colour: red\n",
        ] {
            let problem = read(text).unwrap_err();
            assert!(
                !format!("{problem} {problem:?}").contains("hunter2"),
                "{problem}"
            );
        }
    }
}
