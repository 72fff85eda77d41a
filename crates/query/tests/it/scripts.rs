//! Scripts under `tests/scripts/`: traces in testkit's notation, a line of dashes, then questions with their answers.
//!
//! A question begins with `>`; the lines below it are its answer. `UPDATE_EXPECT=1 cargo test -p query` writes the answers anew; read
//! their diff. Times are milliseconds of the notation.
//!
//! - `> search [limit=N] [spans=N] [time=A..B] [cursor] QUERY`: `cursor` goes on behind the search before
//! - `> trace ID`, `> services`, `> operations SERVICE`, `> names [SCOPE]`, `> values FIELD [prefix=P] [limit=N] [QUERY]`

use std::fmt::Write;

use columnar::to_model;
use expect_test::expect_file;
use model::TenantId;
use query::{AttributeValuesRequest, Cursor, Engine, MatchedSpan, SearchRequest, SearchResult};
use store_api::{AttributeScope, TimeRange};
use testkit::{MemorySource, ORIGIN_UNIX_NANO, traces};
use traceql::{ExprKind, Field, Intrinsic};

use crate::{answer, engine, request};

fn check(name: &str) {
    let path = format!("{}/tests/scripts/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let script = std::fs::read_to_string(&path).expect("the script is there");
    let (head, questions) = script
        .split_once("\n----\n")
        .expect("dashes after the traces");
    let spans = traces(
        &head
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    // Small batches, so that traces are cut.
    let engine = engine(MemorySource::new(spans, 3));
    let mut out = format!("{head}\n----\n");
    let mut cursor = None;
    for question in questions.lines().filter_map(|line| line.strip_prefix("> ")) {
        let said = ask(&engine, question, &mut cursor);
        writeln!(out, "> {question}\n{said}").expect("strings take all");
    }
    expect_file![path].assert_eq(&out);
}

fn ask(engine: &Engine, question: &str, cursor: &mut Option<Cursor>) -> String {
    let tenant = TenantId::default_tenant();
    let (verb, rest) = question.split_once(' ').unwrap_or((question, ""));
    let (options, query) = match rest.find(['{', '(']) {
        Some(at) => rest.split_at(at),
        None => (rest, "{ }"),
    };
    let options: Vec<&str> = options.split_whitespace().collect();
    let option = |name: &str| {
        let prefix = format!("{name}=");
        options
            .iter()
            .find_map(|option| option.strip_prefix(prefix.as_str()))
    };
    let time = option("time").map_or(TimeRange::ALL, range);
    match verb {
        "search" => {
            let query = match traceql::parse(query) {
                Ok(parsed) => parsed.query,
                Err(found) => return format!("{found}\n"),
            };
            let found = answer(engine.search(&SearchRequest {
                limit: option("limit").map_or(20, |n| n.parse().expect("a number")),
                spans_per_trace: option("spans").map(|n| n.parse().expect("a number")),
                cursor: cursor.filter(|_| options.contains(&"cursor")),
                time,
                ..request(query)
            }));
            let found = found.expect("memory does not fail");
            *cursor = found.next_cursor;
            show_search(&found)
        }
        "trace" => {
            let id = options[0].parse().expect("a trace id");
            show_trace(engine, &tenant, id)
        }
        "services" => answer(engine.services(&tenant, time, None))
            .expect("memory does not fail")
            .services
            .iter()
            .map(|s| {
                format!(
                    "{:?} spans={} errors={}\n",
                    s.name, s.span_count, s.error_count
                )
            })
            .collect(),
        "operations" => answer(engine.operations(&tenant, options[0], time, None))
            .expect("memory does not fail")
            .operations
            .iter()
            .map(|o| format!("{:?} {} spans={}\n", o.name, o.kind.as_str(), o.span_count))
            .collect(),
        "names" => {
            let scope = AttributeScope::ALL
                .into_iter()
                .find(|scope| options.first() == Some(&scope.as_str()));
            answer(engine.attribute_names(&tenant, scope, time, None))
                .expect("memory does not fail")
                .scopes
                .iter()
                .map(|(scope, names)| format!("{}: {}\n", scope.as_str(), names.join(", ")))
                .collect()
        }
        "values" => show_values(
            engine,
            &options,
            query,
            time,
            option("prefix"),
            option("limit"),
        ),
        other => panic!("{other} is no question"),
    }
}

fn show_search(found: &SearchResult) -> String {
    let mut out = String::new();
    for trace in &found.traces {
        let id = trace.trace_id.to_string();
        let services: Vec<String> = trace
            .services
            .iter()
            .map(|s| format!("{}:{}/{}", s.name, s.span_count, s.error_count))
            .collect();
        writeln!(
            out,
            "{} {} {:?}{} at {} took {} matched {} [{}]",
            id.trim_start_matches('0'),
            trace.root_service,
            trace.root_name,
            if trace.root_missing {
                " (root missing)"
            } else {
                ""
            },
            ms(trace.start_unix_nano - ORIGIN_UNIX_NANO),
            ms(trace.duration_nano),
            trace.matched(),
            services.join(" "),
        )
        .expect("strings take all");
        for set in &trace.spansets {
            if !set.labels.is_empty() {
                let labels = set
                    .labels
                    .iter()
                    .map(|label| format!("{}={}", label.name, label.value));
                let labels = labels.collect::<Vec<_>>().join(" ");
                writeln!(out, "  {labels}: {}", set.matched).expect("strings take all");
            }
            show_spans(&mut out, &set.spans);
        }
    }
    if found.traces.is_empty() {
        out.push_str("nothing\n");
    }
    if found.next_cursor.is_some() {
        out.push_str("…\n");
    }
    out
}

fn show_spans(out: &mut String, spans: &[MatchedSpan]) {
    for span in spans {
        write!(
            out,
            "  {} {} {:?} {} at {} took {}",
            span.span_id.to_string().trim_start_matches('0'),
            span.service,
            span.name,
            span.status.as_str(),
            ms(span.start_unix_nano - ORIGIN_UNIX_NANO),
            ms(span.duration_nano),
        )
        .expect("strings take all");
        for attribute in &span.attributes {
            let scope = attribute.scope.map_or("", |scope| scope.as_str());
            write!(out, " {scope}.{}={}", attribute.key, attribute.text).expect("strings take all");
        }
        out.push('\n');
    }
}

fn show_trace(engine: &Engine, tenant: &TenantId, id: model::TraceId) -> String {
    let found =
        answer(engine.trace(tenant, id, TimeRange::ALL, None)).expect("memory does not fail");
    let Some(trace) = found else {
        return "nothing\n".to_owned();
    };
    let spans = to_model(&trace.batch).expect("a whole batch");
    let mut out = String::new();
    for (span, conflicting) in spans.iter().zip(&trace.conflicting) {
        writeln!(
            out,
            "{} {} {:?} {}..{}{}",
            span.span_id.to_string().trim_start_matches('0'),
            span.service_name(),
            span.name,
            ms(span.start_time_unix_nano - ORIGIN_UNIX_NANO),
            match span.end_time_unix_nano {
                0 => "?".to_owned(),
                end => ms(end - ORIGIN_UNIX_NANO),
            },
            if *conflicting { " conflicting" } else { "" },
        )
        .expect("strings take all");
    }
    writeln!(out, "duplicates left out: {}", trace.n_duplicates).expect("strings take all");
    out
}

fn show_values(
    engine: &Engine,
    options: &[&str],
    filter: &str,
    time: TimeRange,
    prefix: Option<&str>,
    limit: Option<&str>,
) -> String {
    let bare = traceql::parse_lenient(&format!("{{ {} }}", options[0]));
    let field = match bare.filter_only().flatten().map(|filter| &filter.kind) {
        Some(ExprKind::Field(field)) => field.clone(),
        _ => Field::Intrinsic(Intrinsic::from_name(options[0]).expect("a field")),
    };
    let found = answer(engine.attribute_values(&AttributeValuesRequest {
        tenant: TenantId::default_tenant(),
        field,
        filter: traceql::parse_lenient(filter),
        prefix: prefix.unwrap_or_default().to_owned(),
        limit: limit.map_or(50, |n| n.parse().expect("a number")),
        time,
        deadline: None,
    }))
    .expect("memory does not fail");
    let mut out: String = found
        .values
        .iter()
        .map(|value| format!("{} {} ×{}\n", value.kind.as_str(), value.text, value.count))
        .collect();
    if found.truncated {
        out.push_str("…\n");
    }
    out
}

fn range(text: &str) -> TimeRange {
    let (start, end) = text.split_once("..").expect("A..B");
    let time = |ms: &str| ORIGIN_UNIX_NANO + ms.parse::<i64>().expect("milliseconds") * 1_000_000;
    TimeRange {
        start_unix_nano: time(start),
        end_unix_nano: time(end),
    }
}

fn ms(nanos: i64) -> String {
    format!("{}ms", nanos as f64 / 1e6)
}

#[test]
fn conditions() {
    check("conditions");
}

#[test]
fn order_and_pages() {
    check("order_and_pages");
}

#[test]
fn duplicates() {
    check("duplicates");
}

#[test]
fn pipelines() {
    check("pipelines");
}

#[test]
fn names_and_values() {
    check("names_and_values");
}
