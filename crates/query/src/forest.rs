//! The trees that parents make of a trace's spans.

/// Trees of spans, which are named by their place in a list.
///
/// Whatever the parents say, every span is in one tree: what has no parent, or one that is not in the list, is a *top*, and of spans that are each other's
/// ancestors the first in the list becomes one.
#[derive(Debug, Clone)]
pub struct Forest {
    parents: Vec<Option<usize>>,
    tops: Vec<usize>,
    /// The children of `n` are `children[first_child[n]..first_child[n + 1]]`.
    children: Vec<usize>,
    first_child: Vec<usize>,
}

/// What is known of a span while cycles are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    /// On the way up that began at this span.
    From(usize),
    Done,
}

impl Forest {
    /// Trees of spans with these parents.
    ///
    /// Cost: O(spans), whatever the parents say.
    pub fn new(parents: impl IntoIterator<Item = Option<usize>>) -> Self {
        let mut parents: Vec<Option<usize>> = parents.into_iter().collect();
        let n = parents.len();
        for parent in &mut parents {
            *parent = parent.filter(|parent| *parent < n);
        }
        cut_cycles(&mut parents);
        let mut first_child = vec![0; n + 1];
        for parent in parents.iter().flatten() {
            first_child[parent + 1] += 1;
        }
        for at in 0..n {
            first_child[at + 1] += first_child[at];
        }
        let mut next = first_child.clone();
        let mut children = vec![0; first_child[n]];
        for (span, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[next[*parent]] = span;
                next[*parent] += 1;
            }
        }
        let tops = (0..n).filter(|span| parents[*span].is_none()).collect();
        Self {
            parents,
            tops,
            children,
            first_child,
        }
    }

    /// The roots of the trees, in the order of the list.
    pub fn tops(&self) -> &[usize] {
        &self.tops
    }

    /// The parent, unless `span` is a top.
    pub fn parent(&self, span: usize) -> Option<usize> {
        self.parents[span]
    }

    /// The children, in the order of the list.
    pub fn children(&self, span: usize) -> &[usize] {
        &self.children[self.first_child[span]..self.first_child[span + 1]]
    }
}

/// Makes a top of the first span of every cycle.
fn cut_cycles(parents: &mut [Option<usize>]) {
    let mut seen = vec![Seen::Not; parents.len()];
    for start in 0..parents.len() {
        let mut at = Some(start);
        while let Some(span) = at.filter(|span| seen[*span] == Seen::Not) {
            seen[span] = Seen::From(start);
            at = parents[span];
        }
        if let Some(span) = at.filter(|span| seen[*span] == Seen::From(start)) {
            let mut first = span;
            let mut member = parents[span];
            while let Some(next) = member.filter(|next| *next != span) {
                first = first.min(next);
                member = parents[next];
            }
            parents[first] = None;
        }
        let mut at = Some(start);
        while let Some(span) = at.filter(|span| seen[*span] == Seen::From(start)) {
            seen[span] = Seen::Done;
            at = parents[span];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cycles_and_strangers_become_tops() {
        let forest = Forest::new([
            Some(9),
            Some(0),
            Some(4),
            Some(2),
            Some(3),
            Some(4),
            Some(6),
        ]);
        assert_eq!(forest.tops(), [0, 2, 6]);
        assert_eq!(forest.children(0), [1]);
        assert_eq!(forest.children(2), [3], "4 → 3 → 2 was a cycle");
        assert_eq!(forest.children(4), [5]);
        assert_eq!(forest.parent(4), Some(3));
    }

    proptest! {
        #[test]
        fn every_span_is_reached_once(parents in prop::collection::vec(prop::option::of(0_usize..12), 0..12)) {
            let forest = Forest::new(parents.clone());
            let mut reached = vec![0; parents.len()];
            let mut left = forest.tops().to_vec();
            while let Some(span) = left.pop() {
                reached[span] += 1;
                for child in forest.children(span) {
                    prop_assert_eq!(forest.parent(*child), Some(span));
                    prop_assert_eq!(parents[*child], Some(span), "no parent is made up");
                    left.push(*child);
                }
            }
            prop_assert!(reached.iter().all(|times| *times == 1), "{:?}", reached);
        }
    }
}
