//! The suite that every store passes, in memory-backed and real folders; and the lossless round trip.

use std::sync::Arc;

use async_trait::async_trait;
use proptest::prelude::*;
use sim::disk::FaultyDisk;
use storage::{Config, Store};
use store_api::KeepAll;
use testkit::conformance::{self, Fixture};

use crate::support::{clock, config};

#[derive(Debug)]
struct InMemory(FaultyDisk);

#[async_trait]
impl Fixture for InMemory {
    type Store = Store;

    async fn open(&mut self) -> Store {
        Store::open_on(
            Arc::new(self.0.clone()),
            &config(),
            clock(),
            Default::default(),
            Arc::new(KeepAll),
        )
        .unwrap()
    }

    async fn close(&mut self, store: Store) {
        drop(store);
    }

    async fn advance(&mut self, store: &Store) {
        store.flush().await.unwrap();
    }
}

#[derive(Debug)]
struct OnDisk(tempfile::TempDir);

#[async_trait]
impl Fixture for OnDisk {
    type Store = Store;

    async fn open(&mut self) -> Store {
        let config = Config {
            data_dir: self.0.path().to_owned(),
            ..config()
        };
        Store::open(config, clock(), Default::default()).unwrap()
    }

    async fn close(&mut self, store: Store) {
        store.close().await.unwrap();
    }

    async fn advance(&mut self, store: &Store) {
        store.flush().await.unwrap();
    }
}

fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_store_conforms_on_a_disk_in_memory(spans in testkit::spans(0..30)) {
        block_on(conformance::store(&mut InMemory(FaultyDisk::new()), &spans));
    }

    #[test]
    fn the_store_conforms_on_a_real_disk(spans in testkit::spans(0..30)) {
        block_on(conformance::store(&mut OnDisk(tempfile::tempdir().unwrap()), &spans));
    }
}
