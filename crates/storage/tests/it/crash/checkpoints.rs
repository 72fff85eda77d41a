//! The same while the table's log is summed up and cleaned up.

use std::io;
use std::time::Duration;

use sim::disk::{Fault, FaultyDisk, Survives};
use storage::Config;

use super::{Auditor, Settled, Step, eager_config, run};

/// A checkpoint after every second commit, and only the log after the last one stays.
#[tokio::test]
async fn power_may_go_and_operations_may_fail_while_checkpoints_are_written() {
    let config = Config {
        checkpoint_commits: 2,
        log_retention: Duration::ZERO,
        ..eager_config()
    };
    let script = [
        Step::Append(1),
        Step::Flush,
        Step::Append(2),
        Step::Flush,
        Step::Restart,
        Step::Compact,
        Step::Append(3),
        Step::Flush,
        Step::Erase(1),
        Step::Append(4),
        Step::Flush,
    ];
    let mut settled = Settled::default();
    for n in 1.. {
        let mut armed = false;
        for fault in [Fault::PowerLoss(n), Fault::Once(n, io::ErrorKind::Other)] {
            let disk = FaultyDisk::new();
            disk.inject(fault);
            let mut auditor = Auditor::of(config.clone());
            run(&disk, &script, &mut auditor).await;
            for survives in [Survives::Nothing, Survives::Sectors(n)] {
                let when = format!("{fault:?}, {survives:?} survives");
                let left = disk.copy(survives);
                if settled.insert(&auditor, &left) {
                    auditor.clone().settle(&left, &when).await;
                }
            }
            armed |= disk.is_armed();
        }
        if armed {
            assert!(n > 100, "the script has only {n} operations");
            return;
        }
    }
}
