//! Which spans of a trace stand in a relation to others.

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{Array, FixedSizeBinaryArray};
use traceql::ast::{Form, Relation};

/// Of each row of a trace, counted from the first, whether it is in a set.
pub(crate) type Marks = Vec<bool>;

/// The tree of one trace.
pub(crate) struct Tree {
    /// By row: its parent's.
    parents: Vec<Option<usize>>,
    /// By row: a number that it shares with those that name the same parent, received or not; `None` for those that name none.
    families: Vec<Option<usize>>,
}

impl Tree {
    /// The tree of the rows `range`. `parents` are by row and have no circles; `parent_ids` are what the rows name.
    pub(crate) fn new(
        range: Range<usize>,
        parents: &[Option<usize>],
        parent_ids: &FixedSizeBinaryArray,
    ) -> Self {
        let base = range.start;
        let mut numbers: HashMap<&[u8], usize> = HashMap::new();
        let family = |row: usize| {
            let next = numbers.len();
            let named = parent_ids.is_valid(row).then(|| parent_ids.value(row));
            named.map(|id| *numbers.entry(id).or_insert(next))
        };
        Self {
            families: range.clone().map(family).collect(),
            parents: parents[range]
                .iter()
                .map(|parent| parent.map(|row| row - base))
                .collect(),
        }
    }

    /// What `left op right` gives. O(rows).
    pub(crate) fn apply(
        &self,
        relation: Relation,
        form: Form,
        left: &Marks,
        right: &Marks,
    ) -> Marks {
        let related = self.related(relation, left, right);
        match form {
            Form::Plain => related,
            Form::Negated => both(right, &related, |is_right, is_related| {
                is_right && !is_related
            }),
            Form::Union => {
                let others = self.related(inverse(relation), right, left);
                both(&related, &others, |a, b| a || b)
            }
        }
    }

    /// Those of `right` that stand so to one of `left`.
    fn related(&self, relation: Relation, left: &Marks, right: &Marks) -> Marks {
        let stand = match relation {
            Relation::Child => self.children(left),
            Relation::Parent => self.climb(left, false),
            Relation::Descendant => self.descendants(left),
            Relation::Ancestor => self.climb(left, true),
            Relation::Sibling => self.siblings(left),
        };
        both(right, &stand, |is_right, stands| is_right && stands)
    }

    fn children(&self, of: &Marks) -> Marks {
        let is_child = |parent: &Option<usize>| parent.is_some_and(|row| of[row]);
        self.parents.iter().map(is_child).collect()
    }

    fn descendants(&self, of: &Marks) -> Marks {
        let mut known: Vec<Option<bool>> = vec![None; of.len()];
        let mut path = Vec::new();
        for start in 0..of.len() {
            let mut row = start;
            while known[row].is_none() {
                path.push(row);
                match self.parents[row] {
                    Some(parent) => row = parent,
                    None => known[row] = Some(false),
                }
            }
            while let Some(row) = path.pop() {
                known[row] = Some(
                    self.parents[row]
                        .is_some_and(|parent| of[parent] || known[parent] == Some(true)),
                );
            }
        }
        known.into_iter().map(|known| known == Some(true)).collect()
    }

    /// The parents of some rows, or all that is above them.
    fn climb(&self, from: &Marks, to_the_top: bool) -> Marks {
        let mut marks = vec![false; from.len()];
        for start in (0..from.len()).filter(|row| from[*row]) {
            let mut above = self.parents[start];
            // Above a row that is marked all is, when climbing to the top.
            while let Some(row) = above.filter(|row| !marks[*row]) {
                marks[row] = true;
                above = self.parents[row].filter(|_| to_the_top);
            }
        }
        marks
    }

    fn siblings(&self, of: &Marks) -> Marks {
        let mut members: HashMap<usize, usize> = HashMap::new();
        for row in (0..of.len()).filter(|row| of[*row]) {
            if let Some(family) = self.families[row] {
                *members.entry(family).or_default() += 1;
            }
        }
        let is_sibling = |row: usize| {
            let family = self.families[row]?;
            let others = members.get(&family)? - usize::from(of[row]);
            Some(others > 0)
        };
        (0..of.len())
            .map(|row| is_sibling(row).unwrap_or(false))
            .collect()
    }
}

/// What the left side is to the right side.
fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Sibling => Relation::Sibling,
    }
}

/// What `join` makes of two sets.
pub(crate) fn both(a: &Marks, b: &Marks, join: fn(bool, bool) -> bool) -> Marks {
    a.iter().zip(b).map(|(a, b)| join(*a, *b)).collect()
}
