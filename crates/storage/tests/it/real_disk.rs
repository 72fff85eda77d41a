//! On the machine's file system.

use std::sync::Arc;

use storage::{Config, OpenError, Store};
use store_api::{Appended, SpanSink};

use crate::support::{all, clock, config, request, sorted, span};

fn open(folder: &tempfile::TempDir) -> Result<Store, OpenError> {
    let config = Config {
        data_dir: folder.path().to_owned(),
        ..config()
    };
    Store::open(config, clock(), Default::default())
}

#[tokio::test]
async fn spans_are_found_before_and_after_a_flush_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    let spans: Vec<_> = (1..=5).map(|id| span((id % 2) as u8, id)).collect();
    assert_eq!(
        store.append(request(1, &spans[..3])).await.unwrap(),
        Appended::Stored
    );
    assert_eq!(
        store.append(request(2, &spans[3..])).await.unwrap(),
        Appended::Stored
    );
    assert_eq!(all(&store).await, sorted(&spans), "in the head");
    drop(store);
    let store = open(&folder).unwrap();
    assert_eq!(store.recovery().records, 2);
    assert_eq!(all(&store).await, sorted(&spans), "replayed");
    store.flush().await.unwrap();
    assert_eq!(all(&store).await, sorted(&spans), "in blocks");
    assert_eq!(
        store.append(request(2, &spans[3..])).await.unwrap(),
        Appended::Duplicate
    );
    store.close().await.unwrap();
    assert!(store.append(request(9, &spans)).await.is_err(), "closed");
    drop(store);
    let store = open(&folder).unwrap();
    assert_eq!(store.recovery().records, 0);
    assert_eq!(all(&store).await, sorted(&spans), "in blocks, reopened");
    assert_eq!(
        store.append(request(1, &spans[..3])).await.unwrap(),
        Appended::Duplicate
    );
}

#[tokio::test]
async fn a_second_store_in_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).unwrap();
    let error = open(&folder).unwrap_err();
    assert!(matches!(error, OpenError::Locked), "{error}");
    drop(store);
    open(&folder).unwrap();
}

#[tokio::test]
async fn a_store_can_be_shared() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder).unwrap());
    let appends = (0..20_u64).map(|id| {
        let store = store.clone();
        tokio::spawn(async move { store.append(request(id as u8, &[span(1, id)])).await })
    });
    for append in appends.collect::<Vec<_>>() {
        assert_eq!(append.await.unwrap().unwrap(), Appended::Stored);
    }
    assert_eq!(all(store.as_ref()).await.len(), 20);
}
