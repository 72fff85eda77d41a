//! Asks the questions, one at a time, and times and checks the answers.

use std::time::Duration;

use super::answers::{self, Judgement};
use super::classes::{self, Asked, Listener};
use super::report::{BuildReport, Class, milliseconds, quantile};
use crate::cli::BenchArgs;
use crate::client::Client;
use crate::server::Server;
use crate::{AnyError, Truth, process};

/// The time after which a round of a class ends with fewer questions.
const CLASS_TIME: Duration = Duration::from_secs(8);

/// Mistakes of a class that are told.
const MISTAKES_MAX: usize = 3;

/// A server with connections to it, and what was measured of the class at hand.
struct Answerer<'a> {
    server: &'a Server,
    tempo: Client,
    /// `None` of a peer.
    native: Option<Client>,
    first: Vec<Duration>,
    warm: Vec<Duration>,
    bytes: u64,
    cpu_before_warm: f64,
    class: Class,
}

/// Asks every class of all servers in turn; `reports` are theirs, in the same order.
pub(super) async fn run(
    args: &BenchArgs,
    servers: &[Server],
    truth: &Truth,
    reports: &mut [BuildReport],
) -> Result<(), AnyError> {
    let mut answerers = Vec::new();
    for server in servers {
        answerers.push(Answerer::new(server)?);
    }
    let n_warm = args.n_questions();
    for (asked, (name, _)) in classes::asked(truth).iter().zip(classes::NAMES) {
        eprintln!("asking: {name}");
        for answerer in &mut answerers {
            answerer.begin(name);
            if asked.is_empty() {
                let reason = "so little traffic has no such case";
                answerer.class.not_answered = Some(reason.to_owned());
            }
        }
        // The first round touches each question once, right after the start for the first classes.
        for question in asked.iter().take(n_warm) {
            for answerer in &mut answerers {
                if total(&answerer.first) < CLASS_TIME {
                    let elapsed = answerer.ask(question, truth).await?;
                    answerer.first.extend(elapsed);
                }
            }
        }
        for answerer in &mut answerers {
            answerer.cpu_before_warm = answerer.cpu();
        }
        for question in asked.iter().cycle().take(n_warm) {
            for answerer in &mut answerers {
                let is_answered = answerer.class.not_answered.is_none();
                if is_answered && total(&answerer.warm) < CLASS_TIME {
                    let elapsed = answerer.ask(question, truth).await?;
                    answerer.warm.extend(elapsed);
                }
            }
        }
        for (answerer, report) in answerers.iter_mut().zip(&mut *reports) {
            report.queries.push(answerer.end());
        }
    }
    Ok(())
}

impl<'a> Answerer<'a> {
    fn new(server: &'a Server) -> Result<Self, AnyError> {
        Ok(Self {
            server,
            tempo: Client::new(server.url("Tempo")?),
            native: server.native(),
            first: Vec::new(),
            warm: Vec::new(),
            bytes: 0,
            cpu_before_warm: 0.0,
            class: Class::default(),
        })
    }

    fn begin(&mut self, name: &'static str) {
        self.first.clear();
        self.warm.clear();
        self.bytes = 0;
        self.class = Class {
            name,
            ..Class::default()
        };
    }

    fn cpu(&self) -> f64 {
        process::cpu_seconds(self.server.pid()).unwrap_or_default()
    }

    /// How long the answer took; `None` when the server does not answer such questions.
    async fn ask(&mut self, asked: &Asked, truth: &Truth) -> Result<Option<Duration>, AnyError> {
        if self.class.not_answered.is_some() {
            return Ok(None);
        }
        let client = match (asked.listener, &mut self.native) {
            (Listener::Tempo, _) => &mut self.tempo,
            (Listener::Native, Some(native)) => native,
            (Listener::Native, None) => {
                let reason = "only causeline has this API".to_owned();
                self.class.not_answered = Some(reason);
                return Ok(None);
            }
        };
        let answer = client.get(&asked.path).await?;
        self.bytes += answer.body.len() as u64;
        match answers::judge(&asked.expected, &answer, truth) {
            Judgement::Right => {}
            Judgement::NotAnswered(reason) => {
                self.class.not_answered = Some(reason);
                return Ok(None);
            }
            Judgement::Wrong(reason) => {
                if self.class.mistakes.len() < MISTAKES_MAX {
                    let path = &asked.path;
                    self.class.mistakes.push(format!("{path}: {reason}"));
                }
            }
        }
        Ok(Some(answer.elapsed))
    }

    fn end(&mut self) -> Class {
        let cpu = self.cpu() - self.cpu_before_warm;
        self.first.sort_unstable();
        self.warm.sort_unstable();
        let n_answers = self.first.len() + self.warm.len();
        Class {
            n_asked: self.warm.len(),
            first_p50: milliseconds(quantile(&self.first, 0.5)),
            p50: milliseconds(quantile(&self.warm, 0.5)),
            p99: milliseconds(quantile(&self.warm, 0.99)),
            cpu_ms: cpu * 1e3 / self.warm.len().max(1) as f64,
            answer_bytes: self.bytes / n_answers.max(1) as u64,
            ..std::mem::take(&mut self.class)
        }
    }
}

fn total(times: &[Duration]) -> Duration {
    times.iter().sum()
}
