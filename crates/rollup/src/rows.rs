//! Rows of a delta, found by key, as many as the limits allow.

use std::hash::Hash;

use columnar::Interner;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::limits::Limits;

/// The key of a row; texts in it are numbers of [`Texts`].
pub(crate) trait Key: Copy + Eq + Hash {
    /// The start of its interval, in nanoseconds since the Unix epoch.
    fn interval(&self) -> i64;

    /// The text whose share of an interval is limited.
    fn service(&self) -> Option<i32>;

    /// Whether it takes what others had no room for; it is always admitted.
    fn is_overflow(&self) -> bool;

    /// The row that takes its place when its service has too many rows.
    fn service_overflow(self, empty: i32) -> Self;

    /// The row that takes its place when its interval, or the whole, has too many rows.
    fn interval_overflow(self, empty: i32) -> Self;

    /// The same in the interval that begins at `interval`.
    fn at(self, interval: i64) -> Self;
}

/// Distinct texts of a delta.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    interner: Interner,
}

impl Texts {
    pub(crate) fn number(&mut self, text: &str) -> i32 {
        self.interner.intern(text)
    }

    pub(crate) fn get(&self, number: i32) -> &str {
        self.interner.get(number)
    }

    /// Bytes of memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.interner.text_bytes() + 32 * self.interner.len()
    }
}

/// The rows.
#[derive(Debug)]
pub(crate) struct Rows<K, V> {
    pub(crate) texts: Texts,
    limits: Limits,
    places: HashMap<K, usize, RandomState>,
    rows: Vec<(K, V)>,
    of_interval: HashMap<i64, usize>,
    of_service: HashMap<(i64, i32), usize>,
}

impl<K: Key, V: Default> Rows<K, V> {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            texts: Texts::default(),
            limits: limits.clone(),
            places: HashMap::default(),
            rows: Vec::new(),
            of_interval: HashMap::new(),
            of_service: HashMap::new(),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.rows.iter()
    }

    pub(crate) fn key(&self, place: usize) -> &K {
        &self.rows[place].0
    }

    /// Bytes of memory, roughly.
    pub(crate) fn memory_bytes(&self) -> usize {
        // A row is found by its key, and a histogram has some counts.
        let row = 2 * size_of::<K>() + size_of::<V>() + 400;
        self.texts.bytes() + row * self.rows.len()
    }

    pub(crate) fn value(&mut self, place: usize) -> &mut V {
        &mut self.rows[place].1
    }

    pub(crate) fn values(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.iter_mut().map(|row| &mut row.1)
    }

    /// Where the row of `key` stands, or the overflow row that takes its place; made when absent. When the delta is full, the overflow row is
    /// that of the interval `last_resort`.
    pub(crate) fn place(&mut self, key: K, last_resort: i64) -> usize {
        if let Some(&place) = self.places.get(&key) {
            return place;
        }
        if key.is_overflow() {
            return self.insert(key);
        }
        let count = |n: Option<&usize>| n.copied().unwrap_or(0);
        let empty = self.texts.number("");
        if self.rows.len() >= self.limits.rows_max {
            return self.place(key.interval_overflow(empty).at(last_resort), last_resort);
        }
        let interval = key.interval();
        if count(self.of_interval.get(&interval)) >= self.limits.per_interval_max {
            return self.place(key.interval_overflow(empty), last_resort);
        }
        if let Some(service) = key.service() {
            let share = self.of_service.entry((interval, service)).or_insert(0);
            if *share >= self.limits.per_service_max {
                return self.place(key.service_overflow(empty), last_resort);
            }
            *share += 1;
        }
        self.insert(key)
    }

    fn insert(&mut self, key: K) -> usize {
        let place = self.rows.len();
        *self.of_interval.entry(key.interval()).or_insert(0) += 1;
        self.places.insert(key, place);
        self.rows.push((key, V::default()));
        place
    }

    /// The rows in the order of `by`.
    pub(crate) fn sorted<O: Ord>(&self, by: impl Fn(&K) -> O) -> Vec<&(K, V)> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_cached_key(|row| by(&row.0));
        rows
    }
}

/// The start of the interval of `seconds` that holds `unix_nano`.
pub(crate) fn interval_of(unix_nano: i64, seconds: i32) -> i64 {
    let len = i64::from(seconds) * 1_000_000_000;
    unix_nano.saturating_sub(unix_nano.rem_euclid(len))
}

/// A map by a few integers.
pub(crate) type Memo<K> = HashMap<K, usize, RandomState>;
