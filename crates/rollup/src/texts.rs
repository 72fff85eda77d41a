//! Columns of texts in the tables: dictionaries, or plain strings as other writers may have them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray, StringDictionaryBuilder,
};
use arrow::datatypes::{DataType, Field, Int32Type};

pub(crate) fn text_field(name: &str) -> Field {
    let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    Field::new(name, text, false)
}

pub(crate) fn texts<'a>(rows: impl Iterator<Item = &'a str>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    rows.for_each(|text| builder.append_value(text));
    Arc::new(builder.finish())
}

/// `n` rows of one text.
pub(crate) fn same_text(text: &str, n: usize) -> ArrayRef {
    let values = Arc::new(StringArray::from(vec![text]));
    let keys = Int32Array::from(vec![0; n]);
    Arc::new(DictionaryArray::<Int32Type>::new(keys, values))
}

/// The texts of a column, by row.
pub(crate) enum TextRows<'a> {
    Dictionary(&'a Int32Array, &'a StringArray),
    Plain(&'a StringArray),
}

impl<'a> TextRows<'a> {
    /// `None` when the column is of another type.
    pub(crate) fn new(column: &'a ArrayRef) -> Option<Self> {
        if let Some(plain) = column.as_string_opt() {
            return Some(Self::Plain(plain));
        }
        let dictionary = column.as_dictionary_opt::<Int32Type>()?;
        let values = dictionary.values().as_string_opt()?;
        Some(Self::Dictionary(dictionary.keys(), values))
    }

    /// The text of `row`, empty where there is none.
    pub(crate) fn get(&self, row: usize) -> &'a str {
        match self {
            Self::Dictionary(keys, values) if keys.is_valid(row) => {
                values.value(keys.value(row) as usize)
            }
            Self::Plain(values) if values.is_valid(row) => values.value(row),
            _ => "",
        }
    }
}
