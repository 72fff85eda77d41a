//! Starts the shop against a receiver, one at a time: ten processes are enough for a small machine.

use shop::{Config, Fault, Supervisor};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::receiver::Receiver;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

pub(crate) struct Shop {
    pub(crate) receiver: Receiver,
    pub(crate) supervisor: Supervisor,
    _folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// What every test's shop is started with, before the test changes it.
pub(crate) fn config(receiver: &Receiver, folder: &TempDir) -> Config {
    Config {
        exe: env!("CARGO_BIN_EXE_shop").into(),
        otlp_grpc: receiver.grpc.clone(),
        otlp_http: receiver.http.clone(),
        data_dir: folder.path().join("shop"),
        faults: shop::Faults::default(),
        journeys_per_second: 6.0,
        seed: 20_240,
        base_port: None,
    }
}

pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().await
}

impl Shop {
    pub(crate) async fn start(faults: impl IntoIterator<Item = Fault>) -> Self {
        let turn = turn().await;
        let receiver = Receiver::start().await;
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            faults: faults.into_iter().collect(),
            ..config(&receiver, &folder)
        };
        let supervisor = Supervisor::start(config).await.unwrap();
        Shop {
            receiver,
            supervisor,
            _folder: folder,
            _turn: turn,
        }
    }
}
