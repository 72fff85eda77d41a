//! Whole traces one after another, each read when its turn comes: an answer holds one of them at a time, as columns, however many it has.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use model::TraceId;
use query::Trace;
use store_api::TimeRange;

use crate::error::ApiError;
use crate::jaeger::error::Told;
use crate::native::find_id;
use crate::state::App;

/// The pieces that are made before an answer begins: what stands before the first trace, and the first of that. So a failure to read it has its
/// status.
pub(crate) const BEGIN_AND_FIRST: usize = 2;

/// What is made of one trace.
pub(crate) type Pieces<P> = Box<dyn Iterator<Item = Result<P, ApiError>> + Send>;

/// How an answer of whole traces is written.
pub(crate) trait Form: Send + Sync + 'static {
    /// What is sent at a time.
    type Piece: Send + 'static;

    /// What stands before the first trace.
    fn begin(&self) -> Option<Self::Piece>;

    /// A trace, which has spans.
    ///
    /// Errors: what only a damaged store or a mistake of ours brings about.
    fn trace(&self, trace: Trace, is_first: bool) -> Result<Pieces<Self::Piece>, ApiError>;

    /// What stands behind the last one, with what is missing from the answer.
    ///
    /// Errors: what is missing, where the form has no place to say so.
    fn end(&self, missing: Vec<Told>) -> Result<Option<Self::Piece>, ApiError>;
}

/// Which traces.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Those at hand, which come first; each has spans.
    pub(crate) at_hand: VecDeque<Trace>,
    /// Those to be read.
    pub(crate) ids: VecDeque<TraceId>,
    /// Whether it is told when there are no spans of an id. A search does not: what it found may be erased meanwhile.
    pub(crate) tells_absent: bool,
    /// What is known to be missing.
    pub(crate) missing: Vec<Told>,
}

/// The whole trace `id`, which has spans.
///
/// Errors: `not_found` when there are none; `limited` when the question ended before one was read; those of the store.
pub(crate) async fn find(app: &App, id: TraceId) -> Result<Trace, ApiError> {
    let trace = find_id(app, id).await?;
    match &trace.partial {
        Some(why) if trace.batch.num_rows() == 0 => Err(ApiError::limited(why.to_string())),
        _ => Ok(trace),
    }
}

/// The end of an answer in a form that cannot tell what is missing: nothing, or what is missing as an error.
pub(crate) fn end_without_word<P>(missing: Vec<Told>) -> Result<Option<P>, ApiError> {
    match missing.into_iter().next() {
        Some(first) => Err(ApiError::limited(first.msg)),
        None => Ok(None),
    }
}

/// The pieces of an answer.
///
/// Each question for a trace has the whole time of a question, since the client decides how fast the answer goes.
pub(crate) fn traces<F: Form>(
    app: App,
    wanted: Wanted,
    form: F,
) -> BoxStream<'static, Result<F::Piece, ApiError>> {
    let sending = Sending {
        app,
        wanted,
        form,
        open: None,
        is_first: true,
        stage: Stage::Begin,
    };
    let next = |mut sending: Sending<F>| async move {
        let piece = sending.next().await?;
        Ok(piece.map(|piece| (piece, sending)))
    };
    stream::try_unfold(sending, next).boxed()
}

enum Stage {
    Begin,
    Traces,
    End,
    Over,
}

struct Sending<F: Form> {
    app: App,
    wanted: Wanted,
    form: F,
    open: Option<Pieces<F::Piece>>,
    is_first: bool,
    stage: Stage,
}

impl<F: Form> Sending<F> {
    async fn next(&mut self) -> Result<Option<F::Piece>, ApiError> {
        loop {
            let piece = match self.stage {
                Stage::Begin => {
                    self.stage = Stage::Traces;
                    self.form.begin()
                }
                Stage::Traces => match self.open.as_mut().map(Iterator::next) {
                    Some(Some(piece)) => Some(piece?),
                    _ => {
                        self.open_next().await?;
                        None
                    }
                },
                Stage::End => {
                    self.stage = Stage::Over;
                    self.form.end(std::mem::take(&mut self.wanted.missing))?
                }
                Stage::Over => return Ok(None),
            };
            if piece.is_some() {
                return Ok(piece);
            }
        }
    }

    /// Begins the next trace, or the end.
    async fn open_next(&mut self) -> Result<(), ApiError> {
        // Before the next is read.
        self.open = None;
        match self.next_trace().await? {
            Some(trace) => {
                self.open = Some(self.form.trace(trace, self.is_first)?);
                self.is_first = false;
            }
            None => self.stage = Stage::End,
        }
        Ok(())
    }

    async fn next_trace(&mut self) -> Result<Option<Trace>, ApiError> {
        if let Some(trace) = self.wanted.at_hand.pop_front() {
            return Ok(Some(trace));
        }
        while let Some(id) = self.wanted.ids.pop_front() {
            let (tenant, deadline) = (self.app.tenant(), Some(self.app.deadline()));
            let engine = &self.app.engine;
            let found = engine.trace(&tenant, id, TimeRange::ALL, deadline).await?;
            let why = match found {
                Some(trace) if trace.batch.num_rows() > 0 => return Ok(Some(trace)),
                Some(trace) => trace.partial.map(|partial| partial.to_string()),
                None if self.wanted.tells_absent => Some("trace not found".to_owned()),
                None => None,
            };
            let told = why.map(|why| Told::missing(why, Some(id.to_string())));
            self.wanted.missing.extend(told);
        }
        Ok(None)
    }
}
