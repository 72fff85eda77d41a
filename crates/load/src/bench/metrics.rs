//! Reads `/metrics`.

use crate::AnyError;
use crate::client::Client;

/// The text of `/metrics` at one moment.
#[derive(Debug)]
pub(super) struct Metrics(String);

impl Metrics {
    pub(super) async fn read(client: &mut Client) -> Result<Self, AnyError> {
        let answer = client.get("/metrics").await?;
        Ok(Self(String::from_utf8_lossy(&answer.body).into_owned()))
    }

    /// The sum of all series of `name` whose labels contain `labels`; `None` when there is none.
    pub(super) fn sum(&self, name: &str, labels: &str) -> Option<f64> {
        let of_name = |line: &&str| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(labels))
        };
        let value = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
        let values = self.0.lines().filter(of_name).filter_map(value);
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_by_name_and_labels() {
        let text = "# HELP a_total help\na_total{t=\"x\",r=\"1\"} 3\na_total{t=\"x\",r=\"2\"} 4\n\
                    a_total{t=\"y\"} 5\na_total_more 9\nhead 7\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.sum("a_total", ""), Some(12.0));
        assert_eq!(metrics.sum("a_total", "t=\"x\""), Some(7.0));
        assert_eq!(metrics.sum("head", ""), Some(7.0));
        assert_eq!(metrics.sum("missing", ""), None);
    }
}
