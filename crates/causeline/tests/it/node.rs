//! A node of its own for a test: the binary, a data folder, free ports.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The options of all listeners.
const LISTENERS: [&str; 7] = [
    "--http",
    "--tempo",
    "--jaeger",
    "--jaeger-grpc",
    "--zipkin",
    "--otlp-grpc",
    "--otlp-http",
];

/// A running node; killed when dropped.
pub(crate) struct Node {
    child: Child,
    addresses: HashMap<String, String>,
    log: Arc<Mutex<String>>,
    data_dir: PathBuf,
}

impl Node {
    /// Starts the binary on `data_dir` with `args` and waits until it says that it is ready.
    pub(crate) fn start(data_dir: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_causeline"))
            .arg("serve")
            .args(LISTENERS.iter().flat_map(|option| [option, "127.0.0.1:0"]))
            .arg("--data-dir")
            .arg(data_dir)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().expect("standard error is piped");
        std::thread::spawn({
            let log = log.clone();
            move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut log = log.lock().expect("no panic while logging");
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        let stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut addresses = HashMap::new();
        for line in stdout.lines().map_while(Result::ok) {
            if line.starts_with("ready") {
                return Self {
                    child,
                    addresses,
                    log,
                    data_dir: data_dir.to_owned(),
                };
            }
            if let Some((name, address)) = line.split_once(' ') {
                addresses.insert(name.to_owned(), address.trim().to_owned());
            }
        }
        let _ = child.wait();
        panic!(
            "the node did not become ready:\n{}",
            log.lock().expect("no panic while logging")
        );
    }

    /// `OTLP/gRPC`, `OTLP/HTTP`, `Tempo`, `Jaeger`, `Jaeger/gRPC`, `Zipkin` or `UI`.
    pub(crate) fn url(&self, name: &str) -> String {
        self.addresses
            .get(name)
            .cloned()
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.addresses))
    }

    /// Everything it logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic while logging").clone()
    }

    /// The most memory that was resident at once, bytes.
    pub(crate) fn rss_high_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("Linux tells of its processes");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.expect("a figure in kB") * 1024
    }

    /// Ends it without a chance to say goodbye, as a crash would.
    pub(crate) fn kill_9(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }

    /// Asks it to end and waits.
    pub(crate) fn terminate(mut self) -> String {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success());
        let status = self.child.wait().expect("it ended");
        assert!(status.success(), "{status}\n{}", self.log());
        self.log()
    }

    /// Every file under its data folder, with its bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut folders = vec![self.data_dir.clone()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let mut bytes = Vec::new();
                    // A segment may be freed between listing and reading.
                    if let Ok(mut file) = std::fs::File::open(&path) {
                        file.read_to_end(&mut bytes)
                            .expect("a file of ours is readable");
                        files.push((path, bytes));
                    }
                }
            }
        }
        files
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks `check` again until it gives something, for at most a minute.
pub(crate) async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(value) = check().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute: {what}");
}

/// The body of a GET that must succeed.
pub(crate) async fn get(url: &str) -> String {
    let response = reqwest::get(url)
        .await
        .unwrap_or_else(|e| panic!("GET {url}: {e}"));
    let status = response.status();
    let body = response.text().await.expect("a whole body");
    assert!(status.is_success(), "GET {url}: {status}\n{body}");
    body
}

/// The JSON of a GET that must succeed.
pub(crate) async fn get_json(url: &str) -> serde_json::Value {
    serde_json::from_str(&get(url).await).expect("JSON")
}

/// The status of a GET.
pub(crate) async fn status_of(url: &str) -> u16 {
    let response = reqwest::get(url).await;
    response.expect("an answer").status().as_u16()
}

/// Status and JSON of a POST; `None` when there is no answer.
pub(crate) async fn post_json(
    client: &reqwest::Client,
    url: &str,
    body: &serde_json::Value,
) -> Option<(u16, serde_json::Value)> {
    let answer = client.post(url).json(body).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}
