//! A running server's native API, as commands call it.

use std::error::Error;
use std::fmt;

use clap::Args;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Which server.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// The running server: the address of its UI and native API (plain HTTP)
    #[arg(
        long,
        value_name = "URL",
        env = "CAUSELINE_SERVER",
        default_value = "http://127.0.0.1:7070",
        global = true
    )]
    pub(crate) server: String,
}

/// A server that is asked.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    server: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum ClientError {
    /// No connection, or it broke.
    Transport {
        server: String,
        source: reqwest::Error,
    },
    /// The server said no.
    Refused {
        status: StatusCode,
        /// The envelope; `None` when the body is none, so it is likely not our server.
        body: Option<Box<api::ErrorBody>>,
    },
}

impl Client {
    pub(crate) fn new(args: &ServerArgs) -> Self {
        Self {
            http: reqwest::Client::new(),
            server: args.server.trim_end_matches('/').to_owned(),
        }
    }

    /// The JSON answer to a GET of `path`, which begins with a slash.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let request = self.request(Method::GET, path).query(query);
        let answer = self.send(request).await?;
        answer.json().await.map_err(|e| self.broken(e))
    }

    /// The JSON answer to a POST of `body`.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let answer = self
            .send(self.request(Method::POST, path).json(body))
            .await?;
        answer.json().await.map_err(|e| self.broken(e))
    }

    /// The answer to a POST of `body`, to be read as it comes.
    pub(crate) async fn open(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<reqwest::Response, ClientError> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// The answer to a GET of `path`, to be read as it comes.
    pub(crate) async fn open_get(&self, path: &str) -> Result<reqwest::Response, ClientError> {
        self.send(self.request(Method::GET, path)).await
    }

    /// Deletes what is at `path`.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, path))
            .await
            .map(drop)
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server))
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, ClientError> {
        let answer = request.send().await.map_err(|e| self.broken(e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.json().await.ok().map(Box::new);
        Err(ClientError::Refused { status, body })
    }

    fn broken(&self, source: reqwest::Error) -> ClientError {
        ClientError::Transport {
            server: self.server.clone(),
            // The address would bring a whole query along.
            source: source.without_url(),
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport { server, .. } => write!(f, "asking the server at {server}"),
            Self::Refused { status, body: None } => write!(f, "the server answered {status}"),
            Self::Refused {
                body: Some(body), ..
            } => {
                f.write_str(&body.message)?;
                if let Some(hint) = &body.hint {
                    write!(f, "; {hint}")?;
                }
                if body.code == "internal" {
                    write!(f, " (request {})", body.request_id)?;
                }
                Ok(())
            }
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transport { source, .. } => Some(source),
            Self::Refused { .. } => None,
        }
    }
}
