//! Reading a body: bounded in bytes, budget and time.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::BodyExt;

use crate::admission::Charge;
use crate::refusal::{Reason, Refusal};

/// At most this much memory is set aside for a length that is only announced.
const ANNOUNCED_MAX: usize = 1 << 20;

/// A body that is being read into memory.
pub(crate) struct Reader<B> {
    body: B,
    read: Vec<u8>,
    limit: usize,
}

impl<B> Reader<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// For a body that announces `announced` bytes and may have `limit`.
    pub(crate) fn new(body: B, announced: usize, limit: usize) -> Self {
        Self {
            body,
            read: Vec::with_capacity(announced.min(ANNOUNCED_MAX)),
            limit,
        }
    }

    /// What was read.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.read
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from(self.read)
    }

    /// Reads on; `false` at the end.
    ///
    /// Errors: `TooLarge` past the limit, `Overloaded` when `charge` cannot grow, `Disconnected`.
    pub(crate) async fn more(&mut self, charge: &mut Charge) -> Result<bool, Refusal> {
        let Some(frame) = self.body.frame().await else {
            return Ok(false);
        };
        let frame = frame.map_err(|_| {
            Refusal::new(
                Reason::Disconnected,
                format!("the body broke off after {} bytes", self.read.len()),
            )
        })?;
        if let Some(data) = frame.data_ref() {
            let len = self.read.len() + data.len();
            if len > self.limit {
                return Err(Refusal::too_large(self.limit, "on the wire"));
            }
            charge.grow_to(len)?;
            self.read.extend_from_slice(data);
        }
        Ok(true)
    }

    /// Reads to the end.
    pub(crate) async fn read_to_end(&mut self, charge: &mut Charge) -> Result<(), Refusal> {
        while self.more(charge).await? {}
        Ok(())
    }
}

/// Runs `reading`, refusing when it takes longer than `limit`.
pub(crate) async fn in_time<T>(
    limit: Duration,
    reading: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    tokio::time::timeout(limit, reading)
        .await
        .unwrap_or_else(|_| {
            let message = format!("the body did not arrive within {} ms", limit.as_millis());
            Err(Refusal::new(Reason::SlowBody, message))
        })
}

/// Reads on and forgets, for at most `bytes_max` bytes and `time_max`. A refusal over HTTP/1.1 is lost to its sender when the
/// connection is closed while it still sends (TCP answers with a reset), so a little patience makes the answer heard.
pub(crate) async fn drain<B>(mut body: B, bytes_max: usize, time_max: Duration)
where
    B: Body<Data = Bytes> + Unpin,
{
    let drained = async {
        let mut left = bytes_max;
        while let Some(Ok(frame)) = Pin::new(&mut body).frame().await {
            let len = frame.data_ref().map_or(0, Buf::remaining);
            if len > left {
                return;
            }
            left -= len;
        }
    };
    // Whether it ended, broke off or took too long: the answer is sent next.
    tokio::time::timeout(time_max, drained).await.ok();
}
