//! The critical path of a trace: for every moment from its start to its end, which span the end was waiting for.
//!
//! It is found backwards. It begins in the span that ends last. In a span it goes on in the child that ended last before the point that was reached,
//! and the time in between is the span's own; at a span's start it goes on in its parent, at that moment. A child that was still running when the
//! path left its parent for a sibling is not on it: the sibling did not wait for it.
//!
//! **Children that outlive their parent.** One that does so by no more than what it spent inside is waited for, up to the parent's end: clocks of two hosts differ. One that spent most of its
//! time after its parent's end is asynchronous, and its parent did not wait for it: the parent's path leaves it out. When such a span ends last of all,
//! the path begins in it, and goes on in the parent from the moment at which it started.
//!
//! **Gaps.** Time in which the path has no span belongs to nobody: between the end of a parent and the start of its child (a queue), and between trees of
//! spans that have no common parent.
//!
//! Source: B. P. Miller et al., "Critical path analysis for the execution of parallel and distributed programs" (ICDCS 1988), over spans instead of messages.

use crate::forest::Forest;

/// When a span ran, in nanoseconds of one clock. One that ends before it starts took no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanTime {
    /// When it started.
    pub start_nano: i64,
    /// When it ended.
    pub end_nano: i64,
}

impl SpanTime {
    /// The end, or the start when that is later.
    fn end(&self) -> i64 {
        self.end_nano.max(self.start_nano)
    }
}

/// A part of the critical path, longer than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathPart {
    /// Whose time it is; `None` in a gap.
    pub span: Option<usize>,
    /// Where it begins.
    pub start_nano: i64,
    /// Where it ends.
    pub end_nano: i64,
}

/// The critical path of the spans of a trace, whose trees are `forest`.
///
/// Output: parts in order of time, each beginning where the one before ends, from the earliest start to the latest end; neighbours belong to
/// different spans. None for no spans.
/// Cost: O(n log n) time, O(n) memory.
pub fn critical_path(spans: &[SpanTime], forest: &Forest) -> Vec<PathPart> {
    let Some(last) = (0..spans.len()).max_by_key(|span| (spans[*span].end(), usize::MAX - span))
    else {
        return Vec::new();
    };
    let start = spans.iter().map(|span| span.start_nano).min();
    let mut path = Path {
        spans,
        forest,
        frames: Vec::new(),
        parts: Vec::new(),
        at: spans[last].end(),
    };
    let mut tops = Tops::new(spans, forest);
    path.walk(last);
    while let Some(top) = tops.before(spans, path.at) {
        path.idle_until(spans[top].end());
        path.walk(top);
    }
    path.idle_until(start.unwrap_or(path.at));
    path.parts.reverse();
    path.parts
}

/// The way back so far.
struct Path<'a> {
    spans: &'a [SpanTime],
    forest: &'a Forest,
    /// The span that the way is in, last, and those it comes back to.
    frames: Vec<Frame>,
    /// The latest first.
    parts: Vec<PathPart>,
    /// The moment that was reached.
    at: i64,
}

/// A span that the way is in.
struct Frame {
    span: usize,
    /// Children not looked at yet, the one that ended last at the end of the list.
    children: Vec<usize>,
    /// Where the way came into it from above: what was running then is taken as ended.
    cut_nano: i64,
}

impl Path<'_> {
    /// Goes back through `first` and its ancestors, as far as they reach.
    fn walk(&mut self, first: usize) {
        let mut above = Some(first);
        while let Some(span) = above {
            above = self.forest.parent(span);
            // Its ancestors are come back to from below: what runs beside it there was not waited for.
            let cut = if span == first { self.at } else { i64::MAX };
            self.enter(span, cut);
            while let Some(frame) = self.frames.last_mut() {
                let child = next_child(frame, self.spans, self.at);
                let span = frame.span;
                match child {
                    Some((child, end)) => {
                        self.advance(Some(span), end);
                        self.enter(child, end);
                    }
                    None => {
                        self.advance(Some(span), self.spans[span].start_nano);
                        self.frames.pop();
                    }
                }
            }
        }
    }

    fn enter(&mut self, span: usize, cut_nano: i64) {
        let end = self.spans[span].end();
        self.idle_until(end);
        let waited_for = |child: &usize| is_waited_for(&self.spans[*child], end);
        let mut children: Vec<usize> = self.forest.children(span).to_vec();
        children.retain(waited_for);
        children.sort_by_key(|child| (self.spans[*child].end(), usize::MAX - child));
        self.frames.push(Frame {
            span,
            children,
            cut_nano: cut_nano.min(end),
        });
    }

    /// Nobody's time back to `to`, when that is earlier.
    fn idle_until(&mut self, to: i64) {
        self.advance(None, to);
    }

    /// Time of `span` back to `to`, when that is earlier.
    fn advance(&mut self, span: Option<usize>, to: i64) {
        if to >= self.at {
            return;
        }
        match self.parts.last_mut() {
            Some(part) if part.span == span => part.start_nano = to,
            _ => self.parts.push(PathPart {
                span,
                start_nano: to,
                end_nano: self.at,
            }),
        }
        self.at = to;
    }
}

/// The child that ended last before `at`, and when: not after the cut.
fn next_child(frame: &mut Frame, spans: &[SpanTime], at: i64) -> Option<(usize, i64)> {
    let from = spans[frame.span].start_nano;
    while let Some(child) = frame.children.pop() {
        let end = spans[child].end().min(frame.cut_nano);
        if end <= from {
            // Those that are left ended before, too.
            frame.children.clear();
            return None;
        }
        if end <= at && spans[child].start_nano < at {
            return Some((child, end));
        }
    }
    None
}

/// Whether a parent that ended at `parent_end` waited for `child`.
fn is_waited_for(child: &SpanTime, parent_end: i64) -> bool {
    let inside = i128::from(parent_end) - i128::from(child.start_nano);
    let after = i128::from(child.end()) - i128::from(parent_end);
    after <= inside.max(0)
}

/// The tops of the trees, taken from the latest to the earliest.
struct Tops {
    /// Those not looked at yet, the one that ended last at the end of the list.
    left: Vec<usize>,
    /// Of those that ended at or after the moment that was reached, the one that started first.
    running: Option<usize>,
}

impl Tops {
    fn new(spans: &[SpanTime], forest: &Forest) -> Self {
        let mut left = forest.tops().to_vec();
        left.sort_by_key(|top| (spans[*top].end(), usize::MAX - top));
        Self {
            left,
            running: None,
        }
    }

    /// The top that was running just before `at`; when there is none, the one that ended last before.
    fn before(&mut self, spans: &[SpanTime], at: i64) -> Option<usize> {
        let start = |top: usize| spans[top].start_nano;
        while let Some(top) = self.left.pop_if(|top| spans[*top].end() >= at) {
            let earliest = self.running.is_none_or(|other| start(top) < start(other));
            self.running = if earliest { Some(top) } else { self.running };
        }
        match self.running.filter(|top| start(*top) < at) {
            Some(top) => Some(top),
            None => self.left.pop(),
        }
    }
}

#[cfg(test)]
mod tests;
