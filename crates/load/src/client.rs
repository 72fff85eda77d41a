//! A plain HTTP/1.1 client on one kept connection, so that what is timed is the server.

use std::time::Duration;

use bytes::Bytes;
use clock::{Clock, SystemClock};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::AnyError;

/// A connection, made when it is first needed and again when it was closed.
#[derive(Debug)]
pub(crate) struct Client {
    /// Host and port.
    address: String,
    /// Before every path; empty, or with a slash in front and none behind.
    prefix: String,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
    /// From the first byte sent to the last received.
    pub(crate) elapsed: Duration,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Client {
    /// Of a base address such as `http://127.0.0.1:3200`, or `http://127.0.0.1:80/tempo`.
    pub(crate) fn new(url: &str) -> Self {
        let rest = url.trim_start_matches("http://").trim_end_matches('/');
        let (address, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self {
            address: address.to_owned(),
            prefix: prefix.to_owned(),
            connection: None,
        }
    }

    /// Errors: the server cannot be reached, or closed the connection before its answer was whole.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, AnyError> {
        self.request(Method::GET, path, None, Bytes::new()).await
    }

    /// As `get`; the body goes out as it is.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Answer, AnyError> {
        self.request(Method::POST, path, Some(content_type), body)
            .await
    }

    async fn request(
        &mut self,
        method: Method,
        path: &str,
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Result<Answer, AnyError> {
        let address = self.address.clone();
        let path = format!("{}{path}", self.prefix);
        let connection = self.connect().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, address);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let started = SystemClock.instant();
        let response = connection
            .send_request(request.body(Full::new(body))?)
            .await?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            body,
            elapsed: SystemClock.instant() - started,
        })
    }

    async fn connect(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, AnyError> {
        let usable = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            let (connection, driver) = handshake(TokioIo::new(stream)).await?;
            // Ends with the connection; its errors reach the request that is under way.
            tokio::spawn(driver);
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().expect("it was just made"))
    }
}
