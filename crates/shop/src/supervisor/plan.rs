//! Which processes there are, in which order they start, and how each sends its spans.

use super::Config;
use crate::{Fault, Service};

/// One process to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Post {
    pub(super) service: Service,
    /// A release other than the service's usual one.
    pub(super) release: Option<&'static str>,
}

/// The release of payments that [`Fault::BadRelease`] rolls out to one of the two instances.
pub(super) const BAD_PAYMENTS: &str = "4.7.1";

/// The processes in waves: a wave starts when the ones before it are ready, since it is given their addresses.
///
/// The two payments instances share a database and start one after the other, so that only one makes it.
pub(super) fn waves(config: &Config) -> Vec<Vec<Post>> {
    let usual = |service| Post {
        service,
        release: None,
    };
    let second_payments = Post {
        service: Service::Payments,
        release: config
            .faults
            .contains(Fault::BadRelease)
            .then_some(BAD_PAYMENTS),
    };
    vec![
        vec![
            usual(Service::Catalogue),
            usual(Service::Ledger),
            usual(Service::Shipping),
        ],
        vec![
            usual(Service::Cart),
            usual(Service::Worker),
            usual(Service::Payments),
        ],
        vec![second_payments],
        vec![usual(Service::Checkout)],
        vec![usual(Service::Gateway)],
        vec![usual(Service::Storefront)],
    ]
}

/// Who ends in which turn: a service ends when nobody calls it any more.
pub(super) const ENDING: [&[Service]; 3] = [
    &[Service::Storefront],
    &[
        Service::Gateway,
        Service::Checkout,
        Service::Cart,
        Service::Payments,
        Service::Worker,
    ],
    &[Service::Catalogue, Service::Ledger, Service::Shipping],
];

/// The standard OpenTelemetry variables of one process.
///
/// Half of the services export over gRPC and half over HTTP, so that a demonstration exercises both.
pub(super) fn otel_environment(config: &Config, service: Service) -> Vec<(&'static str, String)> {
    let (protocol, endpoint) = match service {
        Service::Gateway
        | Service::Cart
        | Service::Shipping
        | Service::Worker
        | Service::Storefront => ("http/protobuf", &config.otlp_http),
        Service::Catalogue | Service::Ledger | Service::Payments | Service::Checkout => {
            ("grpc", &config.otlp_grpc)
        }
    };
    vec![
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "500".to_owned()),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.namespace=shop,deployment.environment.name=demo".to_owned(),
        ),
        // The exporter's HTTP client would ask a proxy for loopback addresses otherwise.
        ("NO_PROXY", "127.0.0.1,localhost,[::1]".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Faults;

    fn config(faults: Faults) -> Config {
        Config {
            exe: "/bin/false".into(),
            otlp_grpc: "http://127.0.0.1:4317".into(),
            otlp_http: "http://127.0.0.1:4318".into(),
            data_dir: "/data".into(),
            faults,
            journeys_per_second: 5.0,
            seed: 1,
            base_port: None,
        }
    }

    #[test]
    fn only_a_bad_release_changes_a_version() {
        let releases = |faults: Faults| -> Vec<_> {
            waves(&config(faults))
                .into_iter()
                .flatten()
                .filter_map(|post| post.release)
                .collect()
        };
        assert!(releases(Faults::default()).is_empty());
        assert_eq!(
            releases([Fault::BadRelease].into_iter().collect()),
            [BAD_PAYMENTS]
        );
    }

    #[test]
    fn every_process_has_an_endpoint_and_an_end() {
        let config = config(Faults::default());
        let posts: Vec<_> = waves(&config).into_iter().flatten().collect();
        let mut seen = std::collections::BTreeSet::new();
        for post in &posts {
            let variables = otel_environment(&config, post.service);
            let get = |name| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .unwrap()
                    .1
                    .clone()
            };
            let endpoint = get("OTEL_EXPORTER_OTLP_ENDPOINT");
            match get("OTEL_EXPORTER_OTLP_PROTOCOL").as_str() {
                "grpc" => assert_eq!(endpoint, config.otlp_grpc),
                _ => assert_eq!(endpoint, config.otlp_http),
            }
            seen.insert(endpoint);
        }
        assert_eq!(seen.len(), 2);
        assert_eq!(posts.len(), 10);
        for post in &posts {
            let turns = ENDING
                .iter()
                .filter(|turn| turn.contains(&post.service))
                .count();
            assert_eq!(turns, 1, "{} ends once", post.service);
        }
        assert_eq!(posts.last().unwrap().service, Service::Storefront);
    }
}
