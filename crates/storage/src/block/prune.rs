//! Whether a row group can have rows that a filter holds for, by its statistics and dictionaries.
//!
//! A dictionary holds the values of a row group's column and no others, so a value that is not in it is in no row. Dictionaries are
//! pages like any other: in the cache once they have been used.

use columnar::layout::PromotedType;
use columnar::{Column, ValueType};
use memchr::memmem;
use parquet::column::page::Page;
use parquet::file::statistics::Statistics;
use store_api::{AttributeScope, CompareOp};

use super::columns::{Made, made};
use super::pages::GroupPages;
use crate::error::BlockError;
use crate::filter::{AttributeTest, Filter, holds};

/// Leaf columns of a list of attributes, from its first on.
const KEY: usize = 0;
const TYPE: usize = 1;
const VALUE: usize = 2;

/// The first leaf of the attributes of events and links, among the leaves of those.
const EVENT_ATTRIBUTES: usize = 2;
const LINK_ATTRIBUTES: usize = 4;

impl GroupPages {
    /// Whether `filter` may hold for a row.
    pub(crate) fn may_hold(&self, filter: &Filter) -> Result<bool, BlockError> {
        match filter {
            Filter::True => Ok(true),
            Filter::All(parts) => {
                for part in parts {
                    if !self.may_hold(part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Any(parts) => {
                for part in parts {
                    if self.may_hold(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Text(column, op, text) => {
                let Some(leaf) = self.leaf(*column) else {
                    return Ok(true);
                };
                self.may_have_text(leaf, |value| holds(value.cmp(text), *op))
            }
            Filter::Int(column, op, number) => Ok(self.may_have_int(*column, *op, *number)),
            Filter::Attribute(test) => self.may_have_attribute(test),
        }
    }

    /// Whether rows may have the span attribute `key` in the list, not in a column of its own.
    pub(crate) fn may_list(&self, key: &str) -> Result<bool, BlockError> {
        match self.leaf(Column::Attributes) {
            Some(leaf) => self.may_have_key(leaf, key),
            None => Ok(true),
        }
    }

    /// The first leaf column of the file's column that has the name of `column`.
    fn leaf(&self, column: Column) -> Option<usize> {
        let position = self.block.layout.position(column)?;
        Some(self.block.layout.root(position).leaves.start)
    }

    fn may_have_int(&self, column: Column, op: CompareOp, number: i64) -> bool {
        let (min, max) = match column {
            Column::StartTimeUnixNano => self.block.time_bounds(self.group),
            _ => match self.int_bounds(column) {
                Some(bounds) => bounds,
                None => return true,
            },
        };
        in_bounds(min, max, op, number)
    }

    fn int_bounds(&self, column: Column) -> Option<(i64, i64)> {
        let statistics = self.metadata().column(self.leaf(column)?);
        match (column, statistics.statistics()?) {
            // What a file holds is the end minus the start, also where that is negative.
            (Column::DurationNano, Statistics::Int64(s)) => {
                Some(((*s.min_opt()?).max(0), (*s.max_opt()?).max(0)))
            }
            (_, Statistics::Int64(s)) => Some((*s.min_opt()?, *s.max_opt()?)),
            (_, Statistics::Int32(s)) => Some((i64::from(*s.min_opt()?), i64::from(*s.max_opt()?))),
            _ => None,
        }
    }

    /// Whether a column of texts may have a value that `wanted` holds for.
    fn may_have_text(
        &self,
        leaf: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<bool, BlockError> {
        let Some(dictionary) = self.dictionary(leaf)? else {
            return Ok(true);
        };
        // A text that is not UTF-8 is for the reader of the column to refuse.
        let may = |value: &[u8]| std::str::from_utf8(value).map_or(true, &wanted);
        Ok(texts(&dictionary).any(may))
    }

    /// Whether the Bloom filter of a column, where it has one, leaves it possible that a value is one of `texts`.
    fn may_be_one_of(&self, leaf: usize, texts: &[String]) -> Result<bool, BlockError> {
        let filter = self.bloom_filter(leaf)?;
        Ok(filter.is_none_or(|filter| texts.iter().any(|text| filter.check(text.as_str()))))
    }

    fn may_have_attribute(&self, test: &AttributeTest) -> Result<bool, BlockError> {
        match test.scope {
            AttributeScope::Resource => self.may_be_shared(Column::Resource, test),
            AttributeScope::Instrumentation => self.may_be_shared(Column::Scope, test),
            AttributeScope::Event => self.may_be_listed(Column::Events, EVENT_ATTRIBUTES, test),
            AttributeScope::Link => self.may_be_listed(Column::Links, LINK_ATTRIBUTES, test),
            AttributeScope::Span => {
                Ok(self.may_be_promoted(test)?
                    || self.may_be_listed(Column::Attributes, 0, test)?)
            }
        }
    }

    fn may_be_shared(&self, column: Column, test: &AttributeTest) -> Result<bool, BlockError> {
        match self.leaf(column) {
            Some(leaf) => self.may_have_text(leaf, |text| test.holds_shared(text)),
            None => Ok(true),
        }
    }

    fn may_be_promoted(&self, test: &AttributeTest) -> Result<bool, BlockError> {
        let Some((position, kind)) = self.block.layout.promoted(&test.key) else {
            return Ok(false);
        };
        let root = self.block.layout.root(position);
        if let Some(Made::Null(_)) = made(self, root) {
            return Ok(false);
        }
        let leaf = root.leaves.start;
        match kind {
            PromotedType::Text => {
                let may = self.may_have_text(leaf, |text| test.holds_string(text))?;
                match test.texts() {
                    Some(texts) if may => self.may_be_one_of(leaf, &texts),
                    _ => Ok(may),
                }
            }
            PromotedType::Int => {
                let statistics = self.metadata().column(leaf).statistics();
                let Some(Statistics::Int64(s)) = statistics else {
                    return Ok(true);
                };
                let bounds = s.min_opt().zip(s.max_opt());
                Ok(bounds.is_none_or(|(min, max)| test.may_hold_between(*min, *max)))
            }
        }
    }

    /// The same for attributes in lists, whose first leaf is `offset` leaves after that of `column`.
    fn may_be_listed(
        &self,
        column: Column,
        offset: usize,
        test: &AttributeTest,
    ) -> Result<bool, BlockError> {
        let Some(first) = self.leaf(column) else {
            return Ok(true);
        };
        let first = first + offset;
        if !self.may_have_key(first, &test.key)? {
            return Ok(false);
        }
        let Some(wanted) = test.texts() else {
            return Ok(true);
        };
        let Some(values) = self.dictionary(first + VALUE)? else {
            return Ok(
                self.may_have_arrays(first + TYPE) || self.may_be_one_of(first + VALUE, &wanted)?
            );
        };
        let has = |value: &[u8]| wanted.iter().any(|text| text.as_bytes() == value);
        if texts(&values).any(has) {
            return Ok(true);
        }
        // An element of an array is a part of the array's text, when it is written plainly there.
        if !self.may_have_arrays(first + TYPE) {
            return Ok(false);
        }
        let is_plain = |text: &&String| text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\');
        let plain = test.string().filter(is_plain);
        Ok(plain.is_none_or(|text| memmem::find(values.buffer(), text.as_bytes()).is_some()))
    }

    fn may_have_arrays(&self, leaf: usize) -> bool {
        let statistics = self.metadata().column(leaf).statistics();
        match statistics {
            Some(Statistics::Int32(s)) => {
                let max = s.max_opt();
                max.is_none_or(|max| *max >= ValueType::Array as i32)
            }
            _ => true,
        }
    }

    fn may_have_key(&self, first: usize, key: &str) -> Result<bool, BlockError> {
        let column = self.metadata().column(first + KEY);
        let nulls = column.statistics().and_then(Statistics::null_count_opt);
        if nulls == Some(column.num_values() as u64) {
            return Ok(false);
        }
        self.may_have_text(first + KEY, |value| value == key)
    }
}

/// Whether a number from `min` to `max` may compare so.
pub(crate) fn in_bounds(min: i64, max: i64, op: CompareOp, number: i64) -> bool {
    match op {
        CompareOp::Eq => min <= number && number <= max,
        CompareOp::NotEq => min != number || max != number,
        CompareOp::Less => min < number,
        CompareOp::LessEq => min <= number,
        CompareOp::Greater => max > number,
        CompareOp::GreaterEq => max >= number,
    }
}

/// The texts of a dictionary page. Source: Parquet's PLAIN encoding: a length in four bytes, then the text.
fn texts(page: &Page) -> impl Iterator<Item = &[u8]> {
    let mut rest: &[u8] = page.buffer();
    std::iter::from_fn(move || {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let (text, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        rest = after;
        Some(text)
    })
}
