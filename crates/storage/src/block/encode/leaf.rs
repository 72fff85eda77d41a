//! The values of one column of a row group, gathered from many batches.
//!
//! Texts are interned once per dictionary value of a source, not per row: rows are look-ups in a table from the source's
//! keys to those of the row group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Fields, Int8Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use columnar::Interner;

use crate::error::BlockError;

/// A value's place: which source, which slot of its array.
pub(crate) type Place = (u32, u32);

/// How the entries of a column make up rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels {
    /// Depth of lists.
    pub(super) max_rep: u8,
    pub(super) max_def: u8,
    /// Per entry; empty where the maximum is 0.
    pub(super) reps: Vec<u8>,
    pub(super) defs: Vec<u8>,
    /// The first entry of each row; empty where there are no lists.
    pub(super) rows: Vec<u32>,
}

/// The values of a column that are there.
#[derive(Debug)]
pub(super) enum Values {
    /// Keys of `texts`, by value.
    Text(Interner, Vec<u32>),
    Int(Vec<i64>),
    /// So many bytes each.
    Fixed(usize, Vec<u8>),
}

/// A column of a row group.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) levels: Arc<Levels>,
    pub(super) values: Values,
}

impl Leaf {
    /// Entries: values, nulls and empty lists.
    pub(super) fn n_entries(&self, n_rows: usize) -> usize {
        if self.levels.max_rep > 0 {
            self.levels.reps.len()
        } else {
            n_rows
        }
    }
}

impl Values {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(_, keys) => keys.len(),
            Self::Int(values) => values.len(),
            Self::Fixed(width, bytes) => bytes.len() / width,
        }
    }
}

/// Hands the leaves of a field to `take`, in the order of the file's columns.
///
/// `arrays` are the field of each source, `places` its values in the order of rows, of which `levels` tells the structure.
pub(super) fn gather(
    arrays: &[&ArrayRef],
    nullable: bool,
    places: &[Place],
    levels: &Arc<Levels>,
    take: &mut dyn FnMut(Leaf) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let Some(first) = arrays.first() else {
        return Ok(());
    };
    if let DataType::List(item) = first.data_type() {
        let DataType::Struct(fields) = item.data_type() else {
            return Err(unexpected(item.data_type()));
        };
        return gather_lists(arrays, fields, places, levels, take);
    }
    let (levels, present) = if nullable {
        with_nulls(arrays, places, levels)
    } else {
        (levels.clone(), None)
    };
    let places = present.as_deref().unwrap_or(places);
    let values = match first.data_type() {
        DataType::Dictionary(..) => texts(arrays, places)?,
        DataType::Int8 => ints::<Int8Type>(arrays, places)?,
        DataType::Int32 => ints::<Int32Type>(arrays, places)?,
        DataType::Int64 => ints::<Int64Type>(arrays, places)?,
        DataType::Timestamp(..) => ints::<TimestampMicrosecondType>(arrays, places)?,
        DataType::FixedSizeBinary(width) => fixed(arrays, places, *width)?,
        other => return Err(unexpected(other)),
    };
    take(Leaf { levels, values })
}

/// Adds a level for nulls. Returns the places that are not null, unless all are not.
fn with_nulls(
    arrays: &[&ArrayRef],
    places: &[Place],
    levels: &Levels,
) -> (Arc<Levels>, Option<Vec<Place>>) {
    let all_null = arrays.iter().all(|array| array.null_count() == array.len());
    let valid = if all_null {
        vec![0; places.len()]
    } else {
        let nulls: Vec<Option<&NullBuffer>> = arrays.iter().map(|array| array.nulls()).collect();
        let is_valid = |&(source, slot): &Place| {
            let nulls = nulls[source as usize];
            nulls.is_none_or(|nulls| nulls.is_valid(slot as usize))
        };
        places
            .iter()
            .map(|place| u8::from(is_valid(place)))
            .collect()
    };
    let n_valid: usize = valid.iter().map(|&v| usize::from(v)).sum();
    let present = (n_valid < places.len()).then(|| those_with(places, &valid, n_valid));
    let defs = if levels.max_def == 0 {
        valid
    } else {
        let mut valid = valid.into_iter();
        let deeper = |&def: &u8| {
            let added = if def == levels.max_def {
                valid.next()
            } else {
                None
            };
            def + added.unwrap_or(0)
        };
        levels.defs.iter().map(deeper).collect()
    };
    let deeper = Levels {
        max_rep: levels.max_rep,
        max_def: levels.max_def + 1,
        reps: levels.reps.clone(),
        defs,
        rows: levels.rows.clone(),
    };
    (Arc::new(deeper), present)
}

/// The `n` places whose mark is 1. Without a branch on the mark, which no predictor foresees.
fn those_with(places: &[Place], marks: &[u8], n: usize) -> Vec<Place> {
    // One more, for what is written and then overwritten.
    let mut chosen = vec![(0, 0); n + 1];
    let mut at = 0;
    for (place, mark) in places.iter().zip(marks) {
        chosen[at] = *place;
        at += usize::from(*mark);
    }
    chosen.truncate(n);
    chosen
}

fn gather_lists(
    arrays: &[&ArrayRef],
    fields: &Fields,
    places: &[Place],
    levels: &Levels,
    take: &mut dyn FnMut(Leaf) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let lists = arrays.iter().map(|array| {
        let list = array.as_list_opt::<i32>();
        list.ok_or_else(|| unexpected(array.data_type()))
    });
    let lists = lists.collect::<Result<Vec<_>, _>>()?;
    let mut inner = Vec::new();
    let mut deeper = Levels {
        max_rep: levels.max_rep + 1,
        max_def: levels.max_def + 1,
        ..Levels::default()
    };
    let mut places = places.iter();
    let n_entries = if levels.max_rep > 0 {
        levels.reps.len()
    } else {
        places.len()
    };
    for entry in 0..n_entries {
        let rep = levels.reps.get(entry).copied().unwrap_or(0);
        let def = levels.defs.get(entry).copied().unwrap_or(0);
        let list = (def == levels.max_def).then(|| places.next()).flatten();
        let slots = list.map_or(0..0, |&(source, slot)| {
            let offsets = lists[source as usize].value_offsets();
            offsets[slot as usize] as u32..offsets[slot as usize + 1] as u32
        });
        if rep == 0 {
            deeper.rows.push(deeper.reps.len() as u32);
        }
        if slots.is_empty() {
            deeper.reps.push(rep);
            deeper.defs.push(def);
            continue;
        }
        let source = list.map_or(0, |list| list.0);
        for (n, slot) in slots.enumerate() {
            deeper.reps.push(if n == 0 { rep } else { deeper.max_rep });
            deeper.defs.push(deeper.max_def);
            inner.push((source, slot));
        }
    }
    let deeper = Arc::new(deeper);
    for (n, field) in fields.iter().enumerate() {
        let children = lists.iter().map(|list| {
            let structs = list.values().as_struct_opt();
            structs
                .and_then(|s| s.columns().get(n))
                .ok_or_else(|| unexpected(list.data_type()))
        });
        let children = children.collect::<Result<Vec<_>, _>>()?;
        gather(&children, field.is_nullable(), &inner, &deeper, take)?;
    }
    Ok(())
}

/// A dictionary column of a source.
struct TextSource<'a> {
    keys: &'a [i32],
    values: &'a StringArray,
    /// By key: the row group's. Empty until a row is taken.
    table: Vec<u32>,
}

impl<'a> TextSource<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self, BlockError> {
        let wrong = || unexpected(array.data_type());
        let dictionary = array.as_dictionary_opt::<Int32Type>().ok_or_else(wrong)?;
        let values: &StringArray = dictionary.values().as_string_opt().ok_or_else(wrong)?;
        Ok(Self {
            keys: dictionary.keys().values(),
            values,
            table: Vec::new(),
        })
    }
}

fn texts(arrays: &[&ArrayRef], places: &[Place]) -> Result<Values, BlockError> {
    const UNSEEN: u32 = u32::MAX;
    let sources = arrays.iter().map(|&array| TextSource::new(array));
    let mut sources = sources.collect::<Result<Vec<_>, _>>()?;
    let mut texts = Interner::default();
    let mut keys = Vec::with_capacity(places.len());
    for &(source, slot) in places {
        let source = &mut sources[source as usize];
        let key = source.keys[slot as usize] as usize;
        if source.table.is_empty() {
            source.table.resize(source.values.len(), UNSEEN);
        }
        let known = &mut source.table[key];
        if *known == UNSEEN {
            *known = texts.intern(source.values.value(key)) as u32;
        }
        keys.push(*known);
    }
    Ok(Values::Text(texts, keys))
}

fn ints<T: ArrowPrimitiveType<Native: Into<i64>>>(
    arrays: &[&ArrayRef],
    places: &[Place],
) -> Result<Values, BlockError> {
    let sources = arrays.iter().map(|array| {
        let array = array.as_primitive_opt::<T>();
        array.map(|a| &a.values()[..])
    });
    let sources: Option<Vec<_>> = sources.collect();
    let sources = sources.ok_or_else(|| unexpected(&T::DATA_TYPE))?;
    let value = |&(source, slot): &Place| sources[source as usize][slot as usize].into();
    Ok(Values::Int(places.iter().map(value).collect()))
}

fn fixed(arrays: &[&ArrayRef], places: &[Place], width: i32) -> Result<Values, BlockError> {
    let sources = arrays.iter().map(|array| array.as_fixed_size_binary_opt());
    let sources: Option<Vec<_>> = sources.collect();
    let sources = sources.ok_or_else(|| unexpected(&DataType::FixedSizeBinary(width)))?;
    let mut bytes = Vec::with_capacity(places.len() * width as usize);
    for &(source, slot) in places {
        bytes.extend_from_slice(sources[source as usize].value(slot as usize));
    }
    Ok(Values::Fixed(width as usize, bytes))
}

/// An array that the layout has not.
fn unexpected(found: &DataType) -> BlockError {
    BlockError::View(columnar::ViewError::Type("of a block", found.to_string()))
}
