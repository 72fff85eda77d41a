//! `compare`: in what two cohorts of spans differ.

use query::{Cohort, CohortsRequest, Difference, Evidence, Share};
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ask;
use crate::error::ApiError;
use crate::mcp::answer::{Answer, at, number, text};
use crate::mcp::arguments::{When, search, time};
use crate::question::parse_limit;
use crate::state::App;

/// Attributes of one answer at most, and unless another number is asked for.
const ATTRIBUTES_MAX: usize = 50;
const ATTRIBUTES_DEFAULT: usize = 10;

/// Values that are told of each attribute.
const VALUES_MAX: usize = 5;

/// Attributes that divide the spans in the same way and are named.
const EQUIVALENT_MAX: usize = 5;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(crate) struct Compare {
    /// The spans in question, such as `{ name = "POST /checkout" && status = error }`.
    selection: String,
    /// What they are compared with, such as `{ name = "POST /checkout" && status != error }`; spans of the selection do not count here. All spans by default.
    baseline: Option<String>,
    /// Begin of the range: RFC 3339, Unix seconds, or so long ago as `1h`. An hour before the end by default.
    start: Option<When>,
    /// End of the range, likewise. Now by default.
    end: Option<When>,
    /// Begin of another range for the baseline, to compare before with after.
    #[serde(rename = "baseline-start")]
    baseline_start: Option<When>,
    /// End of that range.
    #[serde(rename = "baseline-end")]
    baseline_end: Option<When>,
    /// How many attributes at most: 1 to 50, 10 by default.
    limit: Option<u32>,
}

impl Ask for Compare {
    const NAME: &'static str = "compare";
    const ABOUT: &'static str = "In what two sets of spans differ: the attributes whose values are distributed most differently (score 0 to 1), with each value's part of either set. Finds what failed or slow spans have in common: a version, a host, a tenant, a route. `evidence` says whether to believe it.";

    async fn ask(self, app: App) -> Result<Answer, ApiError> {
        let selected = time(&app, self.start.as_ref(), self.end.as_ref())?;
        let compared = match (&self.baseline_start, &self.baseline_end) {
            (None, None) => selected,
            (start, end) => time(&app, start.as_ref(), end.as_ref())?,
        };
        let baseline = self.baseline.as_deref().map(str::trim);
        let baseline = baseline.filter(|text| !text.is_empty()).unwrap_or("{ }");
        let limit = parse_limit("limit", self.limit, ATTRIBUTES_DEFAULT, ATTRIBUTES_MAX)?;
        let question = CohortsRequest {
            tenant: app.tenant(),
            selection: Cohort {
                query: search("selection", &self.selection)?,
                time: selected,
            },
            baseline: Cohort {
                query: search("baseline", baseline)?,
                time: compared,
            },
            top: VALUES_MAX,
            deadline: Some(app.deadline()),
        };
        let found = app.engine.cohorts(&question).await?;
        let spans = |(spans, stand_for): (u64, f64)| {
            let estimate = stand_for != spans as f64;
            json!({ "spans": spans, "stand_for": estimate.then(|| number(stand_for)) })
        };
        let other = (compared != selected).then(
            || json!({ "start": at(compared.start_unix_nano), "end": at(compared.end_unix_nano) }),
        );
        let rows = found.differences.iter().map(difference);
        Ok(Answer::of(selected)
            .with_some("baseline_range", other)
            .with("selection", spans(found.selection))
            .with("baseline", spans(found.baseline))
            .partial(found.partial)
            .list("differences", rows, limit))
    }
}

fn difference(found: &Difference) -> Value {
    let equivalent = found.equivalent.iter().take(EQUIVALENT_MAX);
    let equivalent: Vec<String> = equivalent.map(|name| text(name)).collect();
    json!({
        "attribute": text(&found.attribute),
        "same_as": equivalent,
        "score": number(found.score),
        "divergence": number(found.divergence),
        "margin": number(found.margin),
        "evidence": match found.evidence {
            Evidence::Enough => "enough",
            Evidence::NotEnough => "not enough",
            Evidence::NearlyUnique => "nearly every span has a value of its own",
        },
        "distinct_values": found.n_values,
        "values": found.values.iter().map(share).collect::<Vec<_>>(),
        "missing": { "selection": number(found.missing.0), "baseline": number(found.missing.1) },
    })
}

fn share(share: &Share) -> Value {
    let (_, value) = share.value.to_text();
    let mut row = json!({
        "value": text(&value),
        "selection": number(share.selection),
        "baseline": number(share.baseline),
    });
    if let Some(end) = share.end {
        row["up_to"] = number(end);
    }
    row
}
