//! How another tracing backend is started and spoken to: a YAML file that goes with its binary.
//!
//! In every text of it `{data}` stands for the data folder, `{files}` for the folder of [`Peer::files`], and `{NAME}` for a free port of
//! the loopback address, the same one wherever that name of [`Peer::ports`] stands.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::AnyError;

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    /// Of the command line.
    pub(crate) arguments: Vec<String>,
    /// Names of ports.
    pub(crate) ports: Vec<String>,
    /// Files that it reads, with their texts.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// A URL that answers with success once it takes spans.
    pub(crate) ready: String,
    /// The URL before `/v1/traces`.
    pub(crate) otlp_http: String,
    /// The URL before Tempo's `/api/traces`, `/api/search` and `/api/metrics`.
    pub(crate) tempo: String,
}

impl Peer {
    /// Errors: the file cannot be read, or is not of this form.
    pub(crate) fn read(path: &Path) -> Result<Self, AnyError> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|e| named(&e))?;
        Ok(serde_saphyr::from_str(&text).map_err(|e| named(&e))?)
    }

    /// The same with what stands in braces filled in: ports that are free now, the folders. Makes the folder of its files and writes them.
    ///
    /// Errors: a name in braces that is none of the peer's, no free port, a file that cannot be written.
    pub(crate) fn prepare(&self, data: &Path, files: &Path) -> Result<Self, AnyError> {
        let mut values = BTreeMap::from([
            ("data".to_owned(), data.display().to_string()),
            ("files".to_owned(), files.display().to_string()),
        ]);
        // All at once, so that no two are the same.
        let listeners = self.ports.iter().map(|_| TcpListener::bind("127.0.0.1:0"));
        let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
        for (name, listener) in self.ports.iter().zip(&listeners) {
            values.insert(name.clone(), listener.local_addr()?.port().to_string());
        }
        let fill = |text: &String| fill(text, &values);
        let filled = Self {
            arguments: self.arguments.iter().map(fill).collect::<Result<_, _>>()?,
            ports: self.ports.clone(),
            files: self
                .files
                .iter()
                .map(|(name, text)| Ok((name.clone(), fill(text)?)))
                .collect::<Result<_, AnyError>>()?,
            ready: fill(&self.ready)?,
            otlp_http: fill(&self.otlp_http)?,
            tempo: fill(&self.tempo)?,
        };
        fs::create_dir_all(files)?;
        for (name, text) in &filled.files {
            let name = PathBuf::from(name);
            let name = name.file_name().ok_or("a file of the peer has no name")?;
            fs::write(files.join(name), text)?;
        }
        Ok(filled)
    }
}

/// `text` with the value of each `{name}`. Braces around anything but a name stay as they are.
fn fill(text: &str, values: &BTreeMap<String, String>) -> Result<String, AnyError> {
    let is_name = |inner: &str| {
        !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, behind)) if is_name(name) => {
                let value = values.get(name);
                filled.push_str(value.ok_or_else(|| format!("{{{name}}} is not a port's name"))?);
                rest = behind;
            }
            _ => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_filled_in() {
        let values = BTreeMap::from([("web".to_owned(), "8080".to_owned())]);
        let filled = |text| fill(text, &values).map_err(|e| e.to_string());
        assert_eq!(filled("a:{web}/{web}").ok().as_deref(), Some("a:8080/8080"));
        let untouched = "{ } {} {Web} {";
        assert_eq!(filled(untouched).ok().as_deref(), Some(untouched));
        let told = filled("{wep}").err();
        assert_eq!(told.as_deref(), Some("{wep} is not a port's name"));
    }
}
