//! The settings file: one section a room. What it can say stands in `docs/settings.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipeline::{RedactionConfig, Redactor};
use query::RetentionRules;
use serde::Deserialize;
use settings::{ByteSize, ConfigProblem, HumanDuration, Origin, Secret};
use storage::{LakeLocation, Retention, S3Bucket};

/// What an operator may write. Unknown keys are refused, so that a typing error is not a silent default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    redaction: RedactionConfig,
    intake: RawIntake,
    storage: RawStorage,
    retention: RawRetention,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawIntake {
    request_bytes_max: Option<ByteSize>,
    in_flight_bytes_max: Option<ByteSize>,
    cors_origins: Option<Vec<String>>,
    allowed_hosts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawStorage {
    flush_bytes: Option<ByteSize>,
    flush_interval: Option<HumanDuration>,
    head_bytes_max: Option<ByteSize>,
    dedup_window: Option<HumanDuration>,
    compaction_interval: Option<HumanDuration>,
    merge_after: Option<HumanDuration>,
    disk_reserve_bytes: Option<ByteSize>,
    read_cache_bytes: Option<ByteSize>,
    lake: Option<RawLake>,
    refresh_interval: Option<HumanDuration>,
    vacuum_interval: Option<HumanDuration>,
    vacuum_grace: Option<HumanDuration>,
    log_retention: Option<HumanDuration>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawLake {
    Folder(PathBuf),
    S3(Box<RawS3>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawS3 {
    bucket: String,
    #[serde(default)]
    prefix: String,
    endpoint: Option<String>,
    region: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    #[serde(default)]
    allow_http: bool,
    #[serde(default)]
    virtual_hosted_style: bool,
    timeout: Option<HumanDuration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRetention {
    keep: Option<HumanDuration>,
    logs: Option<HumanDuration>,
    rollups: RawRollups,
    lake_bytes_max: Option<ByteSize>,
    tenants: BTreeMap<String, HumanDuration>,
    rules: Vec<RawRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRollups {
    #[serde(rename = "10s")]
    ten_seconds: Option<HumanDuration>,
    #[serde(rename = "1m")]
    minute: Option<HumanDuration>,
    #[serde(rename = "1h")]
    hour: Option<HumanDuration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    r#match: String,
    keep: HumanDuration,
}

/// Checked settings; addresses and the data folder come from the command line.
pub(crate) struct Settings {
    pub(crate) redactor: Redactor,
    pub(crate) receivers: receivers::Config,
    pub(crate) storage: storage::Config,
    pub(crate) retention_rules: RetentionRules,
}

/// Settings that cannot be used: every problem, each with its place.
#[derive(Debug, thiserror::Error)]
#[error("settings: {0}")]
pub(crate) struct FileError(String);

/// The settings of `path`, the defaults where there is none, for a store in `data_dir`.
pub(crate) fn load(path: Option<&Path>, data_dir: &Path) -> Result<Settings, FileError> {
    let raw = path.map_or_else(|| Ok(Raw::default()), settings::read_file);
    let raw: Raw = raw.map_err(|problem| tell(&[problem], None))?;
    let origin = path.map(|path| Origin::File(path.to_owned()));
    let redactor =
        Redactor::new(&raw.redaction).map_err(|problems| tell(&problems, origin.clone()))?;
    let receivers = raw
        .intake
        .checked()
        .map_err(|problems| tell(&problems, origin.clone()))?;
    let checked = raw.retention.checked();
    let (retention, retention_rules) =
        checked.map_err(|problems| tell(&problems, origin.clone()))?;
    let storage = raw.storage.over(data_dir);
    let storage = storage.map_err(|problem| tell(&[problem], origin))?;
    Ok(Settings {
        redactor,
        receivers,
        storage: storage::Config {
            retention,
            ..storage
        },
        retention_rules,
    })
}

fn tell(problems: &[ConfigProblem], origin: Option<Origin>) -> FileError {
    let place = |problem: &ConfigProblem| match (&problem.origin, &origin) {
        (None, Some(origin)) => problem.clone().from_origin(origin.clone()).to_string(),
        _ => problem.to_string(),
    };
    FileError(problems.iter().map(place).collect::<Vec<_>>().join("; "))
}

impl RawIntake {
    fn checked(self) -> Result<receivers::Config, Vec<ConfigProblem>> {
        let mut config = receivers::Config {
            allowed_hosts: self.allowed_hosts,
            ..receivers::Config::default()
        };
        let bytes = |size: Option<ByteSize>, default| {
            size.map_or(default, |size| {
                usize::try_from(size.0).unwrap_or(usize::MAX)
            })
        };
        config.request_bytes_max = bytes(self.request_bytes_max, config.request_bytes_max);
        config.in_flight_bytes_max = bytes(self.in_flight_bytes_max, config.in_flight_bytes_max);
        if let Some(origins) = self.cors_origins {
            config.cors = match origins.as_slice() {
                [] => receivers::Cors::Off,
                [all] if all == "*" => receivers::Cors::Any,
                _ => receivers::Cors::Origins(origins),
            };
        }
        // Addresses are the command line's and checked there.
        let problems: Vec<_> = config
            .check(true)
            .iter()
            .map(|p| ConfigProblem::new("intake", p.to_string()))
            .collect();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }
}

impl RawRetention {
    fn checked(self) -> Result<(Retention, RetentionRules), Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        let mut retention = Retention {
            lake_bytes_max: self.lake_bytes_max.map(|size| size.0),
            ..Retention::default()
        };
        if let Some(keep) = self.keep {
            retention.keep = keep.0;
        }
        if let Some(keep) = self.logs {
            retention.keep_logs = keep.0;
        }
        let counts = &mut retention.keep_counts;
        for (keep, given) in [
            (&mut counts.ten_seconds, self.rollups.ten_seconds),
            (&mut counts.minute, self.rollups.minute),
            (&mut counts.hour, self.rollups.hour),
        ] {
            if let Some(given) = given {
                *keep = given.0;
            }
        }
        for (name, keep) in self.tenants {
            match name.parse() {
                Ok(tenant) => drop(retention.tenants.insert(tenant, keep.0)),
                Err(error) => {
                    let error: model::IdError = error;
                    let path = format!("retention.tenants.{name}");
                    problems.push(ConfigProblem::new(path, error.to_string()));
                }
            }
        }
        let mut rules = Vec::new();
        for (number, rule) in self.rules.into_iter().enumerate() {
            let path = || format!("retention.rules[{number}].match");
            match traceql::parse(&rule.r#match) {
                Ok(parsed) => match parsed.query.beyond_filter() {
                    None => rules.push((parsed.query, rule.keep.0)),
                    Some(beyond) => {
                        let problem = format!(
                            "{} do not say which traces a rule is for; write one filter: `{{ … }}`",
                            beyond.what
                        );
                        problems.push(ConfigProblem::new(path(), problem));
                    }
                },
                Err(error) => problems.push(ConfigProblem::new(path(), error.to_string())),
            }
        }
        let rules = RetentionRules::new(rules);
        let rules =
            rules.map_err(|e| vec![ConfigProblem::new("retention.rules", e.to_string())])?;
        if problems.is_empty() {
            Ok((retention, rules))
        } else {
            Err(problems)
        }
    }
}

impl RawStorage {
    fn over(self, data_dir: &Path) -> Result<storage::Config, ConfigProblem> {
        let default = storage::Config::new(data_dir);
        let bytes = |size: Option<ByteSize>, default| size.map_or(default, |size| size.0);
        let time = |time: Option<HumanDuration>, default| time.map_or(default, |time| time.0);
        Ok(storage::Config {
            compaction_interval: time(self.compaction_interval, default.compaction_interval),
            compaction: storage::Policy {
                settle: time(self.merge_after, default.compaction.settle),
                ..default.compaction.clone()
            },
            flush_bytes: bytes(self.flush_bytes, default.flush_bytes),
            flush_interval: time(self.flush_interval, default.flush_interval),
            head_bytes_max: bytes(self.head_bytes_max, default.head_bytes_max),
            dedup_window: time(self.dedup_window, default.dedup_window),
            disk_reserve_bytes: bytes(self.disk_reserve_bytes, default.disk_reserve_bytes),
            read_cache_bytes: bytes(self.read_cache_bytes, default.read_cache_bytes),
            lake: match self.lake {
                None => default.lake,
                Some(RawLake::Folder(folder)) => LakeLocation::Folder(folder),
                Some(RawLake::S3(bucket)) => LakeLocation::S3(Box::new(bucket.checked()?)),
            },
            refresh_interval: time(self.refresh_interval, default.refresh_interval),
            vacuum_interval: time(self.vacuum_interval, default.vacuum_interval),
            vacuum_grace: time(self.vacuum_grace, default.vacuum_grace),
            log_retention: time(self.log_retention, default.log_retention),
            ..default
        })
    }
}

impl RawS3 {
    fn checked(self) -> Result<S3Bucket, ConfigProblem> {
        let place = "storage.lake.s3";
        let problem = |what: &str| Err(ConfigProblem::new(place, what.to_owned()));
        if self.bucket.is_empty() {
            return problem("the bucket has no name");
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return problem("access_key_id and secret_access_key come together or not at all");
        }
        let plain = self
            .endpoint
            .as_deref()
            .is_some_and(|e| e.starts_with("http://"));
        if plain && !self.allow_http {
            return problem("the endpoint is without TLS, which allow_http has to allow");
        }
        if self.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
            return problem("timeout is 0");
        }
        let default = S3Bucket::new(self.bucket);
        Ok(S3Bucket {
            prefix: self.prefix,
            endpoint: self.endpoint,
            region: self.region.unwrap_or(default.region),
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key,
            session_token: self.session_token,
            allow_http: self.allow_http,
            virtual_hosted_style: self.virtual_hosted_style,
            timeout: self.timeout.map_or(default.timeout, |timeout| timeout.0),
            ..default
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Settings, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("causeline.yaml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), folder.path())
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let defaults = receivers::Config::default();
        assert_eq!(load(None, Path::new("d")).unwrap().receivers, defaults);
        assert_eq!(load_text("").unwrap().receivers, defaults);
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
        let settings = load_text(example).unwrap();
        assert_eq!(
            settings.receivers,
            receivers::Config::default(),
            "the page shows the defaults"
        );
        assert_eq!(format!("{:?}", settings.storage.flush_interval), "30s");
        let default = storage::Config::new("");
        assert_eq!(settings.storage.retention, default.retention);
        assert_eq!(settings.storage.compaction, default.compaction);
    }

    #[test]
    fn a_lake_is_a_folder_or_a_bucket() {
        let lake = |text: &str| load_text(text).map(|settings| settings.storage.lake);
        assert_eq!(lake("").unwrap(), LakeLocation::DataFolder);
        let folder = lake("storage: {lake: {folder: /mnt/lake}}\n").unwrap();
        assert_eq!(folder, LakeLocation::Folder("/mnt/lake".into()));
        let text = "storage: {lake: {s3: {bucket: traces, prefix: a/b, endpoint: 'http://127.0.0.1:9000', allow_http: true, \
                    access_key_id: id, secret_access_key: hunter2}}}\n";
        let LakeLocation::S3(bucket) = lake(text).unwrap() else {
            panic!("a bucket")
        };
        assert_eq!(
            (bucket.bucket.as_str(), bucket.region.as_str()),
            ("traces", "us-east-1")
        );
        assert!(!format!("{bucket:?}").contains("hunter2"));
        for (text, told) in [
            ("{bucket: ''}", "no name"),
            ("{bucket: b, access_key_id: id}", "come together"),
            (
                "{bucket: b, endpoint: 'http://127.0.0.1:9000'}",
                "allow_http",
            ),
        ] {
            let error = lake(&format!("storage: {{lake: {{s3: {text}}}}}\n")).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
            assert!(error.to_string().contains("storage.lake.s3"), "{error}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let problem = |text: &str| load_text(text).err().unwrap().to_string();
        let unknown = problem("redactoin: {}\n");
        assert!(
            unknown.contains("redactoin") && unknown.contains("causeline.yaml"),
            "{unknown}"
        );
        let bad = problem("redaction:\n  rules:\n    - {name: x, action: mask, pattern: '('}\n");
        assert!(
            bad.contains("redaction.rules") && bad.contains("causeline.yaml"),
            "{bad}"
        );
        let rule = problem("retention: {rules: [{match: '{ status = eror }', keep: 1d}]}\n");
        assert!(
            rule.contains("retention.rules[0].match") && rule.contains("eror"),
            "{rule}"
        );
        let tenant = problem("retention: {tenants: {'..': 1d}}\n");
        assert!(tenant.contains("retention.tenants"), "{tenant}");
        let small = problem("intake: {request_bytes_max: 1B}\n");
        assert!(small.contains("request_bytes_max"), "{small}");
    }
}
