//! The series that rows belong to.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use foldhash::fast::RandomState;
use traceql::Field;

use crate::condition::{Needs, Origin, is_service_name};
use crate::context::TraceContext;
use crate::error::Error;
use crate::eval::FieldColumn;
use crate::group::{GroupValue, Label};
use crate::value::Value;
use columnar::SpanColumns;

/// Says that a row is in no group.
pub(super) const NO_GROUP: u32 = u32::MAX;

/// Numbers the distinct tuples of some fields' values.
pub(super) struct Groups<'a> {
    by: Vec<(&'a Field, Origin)>,
    /// By field: its values, numbered.
    values: Vec<Numbered>,
    numbers: HashMap<Vec<u32>, u32, RandomState>,
    max: usize,
}

#[derive(Default)]
struct Numbered {
    numbers: HashMap<GroupValue, u32>,
    values: Vec<GroupValue>,
}

impl Numbered {
    fn number(&mut self, value: GroupValue) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }
}

impl<'a> Groups<'a> {
    /// At most `max` groups by the values of `by`.
    pub(super) fn new(by: &'a [Field], max: usize) -> Self {
        let origin = |field: &'a Field| {
            let origin = match is_service_name(field) {
                true => Origin::ServiceName,
                false => Origin::Field(field.clone()),
            };
            (field, origin)
        };
        Self {
            by: by.iter().map(origin).collect(),
            values: by.iter().map(|_| Numbered::default()).collect(),
            numbers: HashMap::default(),
            max,
        }
    }

    pub(super) fn needs(&self, needs: &mut Needs) {
        self.by.iter().for_each(|(_, origin)| origin.needs(needs));
    }

    /// The group of each of `rows`; [`NO_GROUP`] for those of groups beyond the most.
    pub(super) fn of_rows(
        &mut self,
        batch: &RecordBatch,
        context: Option<&TraceContext>,
        rows: &[usize],
    ) -> Result<Vec<u32>, Error> {
        let columns = SpanColumns::new(batch);
        let mut tuples: Vec<Vec<u32>> = Vec::with_capacity(self.by.len());
        for ((field, origin), values) in self.by.iter().zip(&mut self.values) {
            let column = FieldColumn::new(&columns, origin, context)?;
            let mut value_of = |row: usize| {
                let value = column.values(row).into_iter().next();
                let value = match value.unwrap_or(Value::Absent) {
                    // The helper column of the service has no other way to say that there is none.
                    Value::Text(text) if text.is_empty() && *origin == Origin::ServiceName => {
                        Value::Absent
                    }
                    value => value,
                };
                values.number(GroupValue::of(&value, field.value_type()))
            };
            // Each value of a dictionary is looked at once.
            let mut known: Vec<Option<u32>> = Vec::new();
            let number = |row: &usize| match column.dictionary_key(*row) {
                Some(key) => {
                    if key >= known.len() {
                        known.resize(key + 1, None);
                    }
                    *known[key].get_or_insert_with(|| value_of(*row))
                }
                None => value_of(*row),
            };
            tuples.push(rows.iter().map(number).collect());
        }
        Ok(self.of_tuples(&tuples, rows.len()))
    }

    /// The groups of `n` tuples; each list has the numbers of one field's values.
    fn of_tuples(&mut self, tuples: &[Vec<u32>], n: usize) -> Vec<u32> {
        let mut group = |tuple: &[u32]| match self.numbers.get(tuple) {
            Some(number) => *number,
            None if self.numbers.len() >= self.max => NO_GROUP,
            None => {
                let next = self.numbers.len() as u32;
                self.numbers.insert(tuple.to_vec(), next);
                next
            }
        };
        match tuples {
            [] => vec![group(&[]); n],
            [only] => {
                let mut known: Vec<Option<u32>> = Vec::new();
                let of_number = |number: &u32| {
                    let at = *number as usize;
                    if at >= known.len() {
                        known.resize(at + 1, None);
                    }
                    *known[at].get_or_insert_with(|| group(&[*number]))
                };
                only.iter().map(of_number).collect()
            }
            [..] => {
                let mut tuple = Vec::with_capacity(tuples.len());
                let of_row = |at: usize| {
                    tuple.clear();
                    tuple.extend(tuples.iter().map(|numbers| numbers[at]));
                    group(&tuple)
                };
                (0..n).map(of_row).collect()
            }
        }
    }

    /// The labels of each group, by its number.
    pub(super) fn labels(&self) -> Vec<Vec<Label>> {
        let mut labels = vec![Vec::new(); self.numbers.len()];
        for (tuple, number) in &self.numbers {
            let of_field = |(at, value): (usize, &u32)| Label {
                name: Label::name_of(self.by[at].0),
                value: self.values[at].values[*value as usize].clone(),
            };
            labels[*number as usize] = tuple.iter().enumerate().map(of_field).collect();
        }
        labels
    }
}
