//! Bytes by column, from the metadata of the Parquet files below a folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};

/// Sizes of all Parquet files together.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) files_bytes: u64,
    /// By leaf column: compressed, and before compression.
    columns: BTreeMap<String, (u64, u64)>,
    bloom_bytes: u64,
    index_bytes: u64,
}

/// Reads the footers of every Parquet file below `folder`.
pub(crate) fn measure(folder: &Path) -> Measured {
    let mut measured = Measured::default();
    for path in files_below(folder) {
        if path
            .extension()
            .is_none_or(|extension| extension != "parquet")
        {
            continue;
        }
        measured.files_bytes += fs::metadata(&path).expect("the file is there").len();
        let file = File::open(&path).expect("the file is readable");
        let reader = SerializedFileReader::new(file).expect("it is a Parquet file");
        for group in reader.metadata().row_groups() {
            for column in group.columns() {
                let name = column.column_path().string();
                let (compressed, plain) = measured.columns.entry(name).or_default();
                *compressed += column.compressed_size() as u64;
                *plain += column.uncompressed_size() as u64;
                measured.bloom_bytes += column.bloom_filter_length().unwrap_or_default() as u64;
                let indexes = [column.column_index_length(), column.offset_index_length()];
                measured.index_bytes += indexes.into_iter().flatten().sum::<i32>() as u64;
            }
        }
    }
    measured
}

/// Length of all files below `folder`.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let length = |path: PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    files_below(folder).into_iter().map(length).sum()
}

impl Measured {
    /// Prints bytes per span, the largest column first.
    pub(crate) fn print(&self, n_spans: u64) {
        let per_span = |bytes: u64| bytes as f64 / n_spans as f64;
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort_by_key(|(_, (compressed, _))| std::cmp::Reverse(*compressed));
        println!(
            "\n{:44}{:>10}{:>12}{:>8}",
            "column", "B/span", "before zstd", "%"
        );
        let share = |bytes: u64| 100.0 * bytes as f64 / self.files_bytes.max(1) as f64;
        for (name, (compressed, plain)) in columns {
            println!(
                "{name:44}{:>10.2}{:>12.2}{:>8.1}",
                per_span(*compressed),
                per_span(*plain),
                share(*compressed)
            );
        }
        let columns: u64 = self
            .columns
            .values()
            .map(|(compressed, _)| compressed)
            .sum();
        let rest = self
            .files_bytes
            .saturating_sub(columns + self.bloom_bytes + self.index_bytes);
        for (name, bytes) in [
            ("bloom filters", self.bloom_bytes),
            ("page indexes", self.index_bytes),
            ("footers and the rest", rest),
            ("all", self.files_bytes),
        ] {
            println!(
                "{name:44}{:>10.2}{:>12}{:>8.1}",
                per_span(bytes),
                "",
                share(bytes)
            );
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}
