//! Exception events: type, message and the stack of the shop's own frames.

use std::backtrace::Backtrace;
use std::fmt::Write;

use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};

use super::mark_failed;
use crate::failure::Failure;

/// Most frames an event carries; what is further out is the runtime's business.
const FRAMES_MAX: usize = 16;

/// Records `failure` as an exception on the span of `cx` and marks that span as failed.
///
/// Called once for each failure, where it arose.
pub(crate) fn record(cx: &Context, failure: &Failure) {
    let head = format!("{}: {failure}", failure.exception_type());
    let stack = own_frames(&head, &Backtrace::force_capture().to_string());
    cx.span().add_event(
        "exception",
        vec![
            KeyValue::new("exception.type", failure.exception_type()),
            KeyValue::new("exception.message", failure.to_string()),
            KeyValue::new("exception.stacktrace", stack),
        ],
    );
    mark_failed(cx, failure);
}

/// The frames of this crate out of a printed backtrace, with the exception's headline on top.
///
/// A printed frame is a line `  7: path::of::function`, followed by `at file:line:column` when the build knows it.
fn own_frames(head: &str, backtrace: &str) -> String {
    let mut stack = head.to_owned();
    let mut lines = backtrace.lines().map(str::trim).peekable();
    let mut frames = 0;
    while let Some(line) = lines.next() {
        let Some((number, function)) = line.split_once(": ") else {
            continue;
        };
        let is_frame = number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_frame || !function.contains("shop::") || function.contains("instrument::exception") {
            continue;
        }
        let place = lines.peek().and_then(|next| next.strip_prefix("at "));
        let written = match place {
            Some(place) => write!(stack, "\n    at {function} ({place})"),
            None => write!(stack, "\n    at {function}"),
        };
        frames += 1;
        if written.is_err() || frames == FRAMES_MAX {
            break;
        }
    }
    stack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_frames_stay_with_their_places() {
        let printed = "\
   0: shop::instrument::exception::record
             at src/instrument/exception.rs:22:9
   1: shop::services::payments::charge::{{closure}}
             at crates/shop/src/services/payments.rs:90:5
   2: tokio::runtime::task::poll
             at /somewhere/tokio/poll.rs:1:1
   3: shop::process::serve
   4: std::rt::lang_start";
        assert_eq!(
            own_frames("CardDeclined: no", printed),
            "CardDeclined: no
    at shop::services::payments::charge::{{closure}} (crates/shop/src/services/payments.rs:90:5)
    at shop::process::serve"
        );
    }

    #[test]
    fn the_stack_is_bounded() {
        let deep: String = (0..100).map(|n| format!("  {n}: shop::f{n}\n")).collect();
        assert_eq!(own_frames("E", &deep).lines().count(), 1 + FRAMES_MAX);
    }
}
