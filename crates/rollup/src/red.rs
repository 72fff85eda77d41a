//! Rate, errors and durations of operations.

use arrow::array::RecordBatch;
use columnar::{Column, DictColumn, SpanColumns, ViewError, resource_from_json};
use model::{AnyValue, Resource, SpanKind, StatusCode};

use crate::RESOLUTIONS_SECONDS;
use crate::adjusted::AdjustedCounts;
use crate::exemplar::{Exemplar, Exemplars};
use crate::figures::Durations;
use crate::limits::Limits;
use crate::rows::{Key, Memo, Rows, interval_of};
use crate::sizes::Sizes;

/// What spans of one row have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The start of the interval in which the spans start, in nanoseconds since the Unix epoch.
    pub interval_start_unix_nano: i64,
    /// `service.name`.
    pub service_name: String,
    /// The span's name. By the semantic conventions it has the HTTP route or the RPC method in it.
    pub operation: String,
    /// As OTLP numbers it; numbers that OpenTelemetry does not define count as 0.
    pub kind: i32,
    /// As OTLP numbers it; numbers that OpenTelemetry does not define count as 0.
    pub status_code: i32,
    /// `service.version`, or empty.
    pub service_version: String,
    /// `deployment.environment.name`, or its former name `deployment.environment`, or empty.
    pub environment: String,
    /// Whether these are spans that had no room under their own series. Operation, version and environment are empty then, and when a
    /// whole interval is full, so is the service.
    pub overflow: bool,
}

/// What is summed of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RedFigures {
    /// How many, and how long.
    pub durations: Durations,
    /// About how many bytes they take, without resource and scope.
    pub bytes: i64,
    /// A few of them.
    pub exemplars: Exemplars,
}

impl RedFigures {
    fn merge(&mut self, other: &Self, times: i64) {
        self.durations.merge(&other.durations, times);
        self.bytes += times * other.bytes;
        if times > 0 {
            self.exemplars.merge(&other.exemplars);
        }
    }
}

/// [`Series`] with numbers of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey {
    interval: i64,
    service: i32,
    operation: i32,
    version: i32,
    environment: i32,
    kind: u8,
    status: u8,
    overflow: bool,
}

impl Key for SeriesKey {
    fn interval(&self) -> i64 {
        self.interval
    }

    fn service(&self) -> Option<i32> {
        Some(self.service)
    }

    fn is_overflow(&self) -> bool {
        self.overflow
    }

    fn service_overflow(self, empty: i32) -> Self {
        Self {
            operation: empty,
            version: empty,
            environment: empty,
            overflow: true,
            ..self
        }
    }

    fn interval_overflow(self, empty: i32) -> Self {
        Self {
            service: empty,
            ..self.service_overflow(empty)
        }
    }

    fn at(self, interval: i64) -> Self {
        Self { interval, ..self }
    }
}

/// What spans of a batch have in common, in numbers of the batch's dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct BatchKey {
    interval: i64,
    service: u32,
    resource: u32,
    name: u32,
    kind: u8,
    status: u8,
}

/// Counts of spans by operation.
#[derive(Debug)]
pub struct RedDelta {
    rows: Rows<SeriesKey, RedFigures>,
    n_overflowed: u64,
}

impl RedDelta {
    /// A delta without rows.
    pub fn new(limits: &Limits) -> Self {
        Self {
            rows: Rows::new(limits),
            n_overflowed: 0,
        }
    }

    /// The counts of `batch` in intervals of 10 s.
    ///
    /// Errors: `ViewError` when the batch lacks a column of the schema of spans.
    pub fn of_batch(batch: &RecordBatch, limits: &Limits) -> Result<Self, ViewError> {
        let mut delta = Self::new(limits);
        delta.count(batch)?;
        Ok(delta)
    }

    /// Adds the counts of `batch`, in intervals of 10 s.
    ///
    /// Errors: as of [`RedDelta::of_batch`].
    pub fn count(&mut self, batch: &RecordBatch) -> Result<(), ViewError> {
        let columns = SpanColumns::new(batch);
        let starts = columns.int64(Column::StartTimeUnixNano)?.values();
        let durations = columns.int64(Column::DurationNano)?.values();
        let received = columns.int64(Column::ReceivedUnixNano)?.values();
        let kinds = columns.int32(Column::Kind)?.values();
        let statuses = columns.int32(Column::StatusCode)?.values();
        let trace_ids = columns.ids(Column::TraceId)?;
        let span_ids = columns.ids(Column::SpanId)?;
        let (services, names) = (
            columns.dict(Column::ServiceName)?,
            columns.dict(Column::Name)?,
        );
        let resources = columns.dict(Column::Resource)?;
        let adjusted = AdjustedCounts::new(columns.dict(Column::TraceState)?);
        let sizes = Sizes::new(&columns)?;
        let mut versions = Versions::new(resources);
        let mut memo = Memo::default();
        let mut last: Option<(BatchKey, usize)> = None;
        for row in 0..columns.len() {
            let key = BatchKey {
                interval: interval_of(starts[row], RESOLUTIONS_SECONDS[0]),
                service: services.key(row) as u32,
                resource: resources.key(row) as u32,
                name: names.key(row) as u32,
                kind: known(kinds[row], SpanKind::CONSUMER.0),
                status: known(statuses[row], StatusCode::ERROR.0),
            };
            let place = match last {
                Some((same, place)) if same == key => place,
                _ => *memo.entry(key).or_insert_with(|| {
                    let (version, environment) = versions.of(resources.key(row));
                    let texts = &mut self.rows.texts;
                    let key = SeriesKey {
                        interval: key.interval,
                        service: texts.number(services.get(row)),
                        operation: texts.number(names.get(row)),
                        version: texts.number(version),
                        environment: texts.number(environment),
                        kind: key.kind,
                        status: key.status,
                        overflow: false,
                    };
                    let last_resort = interval_of(received[row], RESOLUTIONS_SECONDS[0]);
                    self.rows.place(key, last_resort)
                }),
            };
            last = Some((key, place));
            let is_error = i32::from(key.status) == StatusCode::ERROR.0;
            let overflow = self.rows.key(place).overflow;
            self.n_overflowed += u64::from(overflow);
            let figures = self.rows.value(place);
            figures
                .durations
                .record(durations[row], is_error, adjusted.of(row));
            figures.bytes += sizes.of(row);
            if let (Ok(trace_id), Ok(span_id)) = (
                trace_ids.value(row).try_into(),
                span_ids.value(row).try_into(),
            ) {
                figures.exemplars.add(Exemplar {
                    duration_nano: durations[row],
                    trace_id,
                    span_id,
                    start_time_unix_nano: starts[row],
                });
            }
        }
        Ok(())
    }

    /// Adds `other`, `times` over (-1 takes it back; exemplars and extremes stay).
    pub fn merge(&mut self, other: &Self, times: i64) {
        for (key, figures) in other.rows.iter() {
            let key = self.renumbered(key, other);
            self.add(key, figures, times);
        }
    }

    /// The same sums in intervals of `seconds`, a multiple of this delta's.
    pub fn coarser(&self, seconds: i32) -> Self {
        let mut coarse = Self::new(self.rows.limits());
        for (key, figures) in self.rows.iter() {
            let key = coarse.renumbered(key, self);
            coarse.add(key.at(interval_of(key.interval, seconds)), figures, 1);
        }
        coarse
    }

    /// Forgets the exemplars of which `stays` is false.
    pub fn retain_exemplars(&mut self, stays: impl Fn(&Exemplar) -> bool) {
        for figures in self.rows.values() {
            figures.exemplars.retain(&stays);
        }
    }

    fn renumbered(&mut self, key: &SeriesKey, other: &Self) -> SeriesKey {
        let mut number = |text| self.rows.texts.number(other.rows.texts.get(text));
        SeriesKey {
            service: number(key.service),
            operation: number(key.operation),
            version: number(key.version),
            environment: number(key.environment),
            ..*key
        }
    }

    fn add(&mut self, key: SeriesKey, figures: &RedFigures, times: i64) {
        let place = self.rows.place(key, key.interval);
        if self.rows.key(place).overflow {
            self.n_overflowed += figures.durations.count.unsigned_abs();
        }
        self.rows.value(place).merge(figures, times);
    }

    /// Adds a row, as [`RedDelta::rows`] gives them.
    pub fn add_row(&mut self, series: &Series, figures: &RedFigures) {
        let texts = &mut self.rows.texts;
        let key = SeriesKey {
            interval: series.interval_start_unix_nano,
            service: texts.number(&series.service_name),
            operation: texts.number(&series.operation),
            version: texts.number(&series.service_version),
            environment: texts.number(&series.environment),
            kind: known(series.kind, SpanKind::CONSUMER.0),
            status: known(series.status_code, StatusCode::ERROR.0),
            overflow: series.overflow,
        };
        self.add(key, figures, 1);
    }

    /// The rows, sorted by series.
    pub fn rows(&self) -> impl Iterator<Item = (Series, &RedFigures)> {
        let sorted = self.rows.sorted(|key| self.series(key));
        sorted
            .into_iter()
            .map(|(key, figures)| (self.series(key), figures))
    }

    fn series(&self, key: &SeriesKey) -> Series {
        let text = |number| self.rows.texts.get(number).to_owned();
        Series {
            interval_start_unix_nano: key.interval,
            service_name: text(key.service),
            operation: text(key.operation),
            kind: i32::from(key.kind),
            status_code: i32::from(key.status),
            service_version: text(key.version),
            environment: text(key.environment),
            overflow: key.overflow,
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spans that count in overflow rows.
    pub fn n_overflowed(&self) -> u64 {
        self.n_overflowed
    }

    /// Bytes of memory, roughly.
    pub fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes()
    }
}

/// A number that OpenTelemetry defines up to `max`, or 0.
fn known(number: i32, max: i32) -> u8 {
    if (0..=max).contains(&number) {
        number as u8
    } else {
        0
    }
}

/// Version and environment by resource, each distinct one that has rows read once.
struct Versions<'a> {
    resources: DictColumn<'a>,
    read: Vec<Option<(String, String)>>,
}

impl<'a> Versions<'a> {
    fn new(resources: DictColumn<'a>) -> Self {
        Self {
            read: vec![None; resources.n_values()],
            resources,
        }
    }

    fn of(&mut self, resource: usize) -> (&str, &str) {
        let json = self.resources.value(resource);
        let (version, environment) = self.read[resource].get_or_insert_with(|| {
            let resource = resource_from_json(json).unwrap_or_default();
            let environments = ["deployment.environment.name", "deployment.environment"];
            let environment = environments.iter().find_map(|key| text_of(&resource, key));
            (
                text_of(&resource, "service.version").unwrap_or_default(),
                environment.unwrap_or_default(),
            )
        });
        (version, environment)
    }
}

fn text_of(resource: &Resource, key: &str) -> Option<String> {
    let found = resource.attributes.iter().find(|a| a.key == key)?;
    match &found.value {
        AnyValue::String(text) => Some(text.clone()),
        _ => None,
    }
}
