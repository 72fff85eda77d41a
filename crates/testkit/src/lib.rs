//! Fixtures, generators and conformance suites for tests.
