//! Which lines a tree has: alike siblings folded into one, down to a level, up to a number of lines.

use std::collections::HashMap;

use super::BoundsArgs;
use super::shape::Shape;

/// So many siblings that are alike become one line.
const FOLD_MIN: usize = 3;

/// A line of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Spans that are alike, most often one.
    Spans(Spans),
    /// From here on, spans whose parent is not there: so many trees.
    Orphans(usize),
}

/// The spans of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spans {
    /// At least one, in order of start.
    pub(super) rows: Vec<usize>,
    /// Spans below that are left out since they are too deep.
    pub(super) too_deep: usize,
}

/// The lines of a tree, from top to bottom. Memory is that of the spans, however deep they lie.
pub(super) struct Tree<'a> {
    shape: &'a Shape<'a>,
    bounds: BoundsArgs,
    /// The next is the last.
    waiting: Vec<Waiting>,
    /// For the levels of the line that was given last.
    continues: Vec<bool>,
    lines: u32,
    /// Spans that stand in a line.
    pub(super) drawn: usize,
    /// Spans that lie too deep.
    pub(super) too_deep: usize,
}

/// What is to become a line.
enum Waiting {
    Spans {
        rows: Vec<usize>,
        /// A root's is 1.
        level: u32,
        continues: bool,
    },
    Orphans(usize),
}

impl<'a> Tree<'a> {
    pub(super) fn new(shape: &'a Shape<'a>, bounds: BoundsArgs) -> Self {
        let mut tree = Self {
            shape,
            bounds,
            waiting: Vec::new(),
            continues: Vec::new(),
            lines: 0,
            drawn: 0,
            too_deep: 0,
        };
        let tops = shape.forest.tops().iter().copied();
        let (orphans, roots): (Vec<usize>, Vec<usize>) =
            tops.partition(|top| shape.is_orphan(*top));
        let n_orphans = orphans.len();
        tree.wait_for(orphans, 1);
        if n_orphans > 0 {
            tree.waiting.push(Waiting::Orphans(n_orphans));
        }
        tree.wait_for(roots, 1);
        tree
    }

    /// For each level below the first, down to that of the line that was given last: whether siblings follow there.
    pub(super) fn continues(&self) -> &[bool] {
        self.continues.get(1..).unwrap_or_default()
    }

    /// Puts siblings onto the list, alike ones together, so that the first comes next.
    fn wait_for(&mut self, mut siblings: Vec<usize>, level: u32) {
        siblings.sort_unstable();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        if self.bounds.no_fold {
            groups.extend(siblings.iter().map(|row| vec![*row]));
        } else {
            let mut alike: HashMap<_, Vec<usize>> = HashMap::new();
            for &row in &siblings {
                let span = &self.shape.trace.spans[row];
                let key = (span.service, &span.name, &span.kind, &span.status);
                alike.entry(key).or_default().push(row);
            }
            for rows in alike.into_values() {
                if rows.len() >= FOLD_MIN {
                    groups.push(rows);
                } else {
                    groups.extend(rows.into_iter().map(|row| vec![row]));
                }
            }
            groups.sort_unstable();
        }
        let last = groups.len().saturating_sub(1);
        let waiting = groups.into_iter().enumerate().rev();
        self.waiting
            .extend(waiting.map(|(at, rows)| Waiting::Spans {
                rows,
                level,
                continues: at < last,
            }));
    }

    /// The line of `rows`, whose children wait from now on.
    fn line(&mut self, rows: Vec<usize>, level: u32, continues: bool) -> Line {
        self.continues.truncate(level as usize - 1);
        self.continues.push(continues);
        self.drawn += rows.len();
        let mut too_deep = 0;
        if level < self.bounds.depth {
            let children = rows.iter().flat_map(|row| self.shape.forest.children(*row));
            self.wait_for(children.copied().collect(), level + 1);
        } else {
            too_deep = rows.iter().map(|row| self.shape.below[*row]).sum();
            self.too_deep += too_deep;
        }
        Line::Spans(Spans { rows, too_deep })
    }
}

impl Iterator for Tree<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.lines >= self.bounds.lines {
            return None;
        }
        self.lines += 1;
        match self.waiting.pop()? {
            Waiting::Orphans(trees) => Some(Line::Orphans(trees)),
            Waiting::Spans {
                rows,
                level,
                continues,
            } => Some(self.line(rows, level, continues)),
        }
    }
}
