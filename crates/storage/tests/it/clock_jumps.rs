//! The machine's clock jumps by hours, forwards and back: nothing is lost, doubled or expired.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use clock::{Clock, ManualClock};
use storage::{Config, Store};
use store_api::{Appended, SpanSink};

use crate::support::{NOW, all, config, eager, request, sorted, span};

const HOUR_NANO: i64 = 3_600_000_000_000;

/// A wall clock that somebody sets; its monotonic time goes on as if nothing had happened.
#[derive(Debug)]
struct SetByHand {
    unix_nano: AtomicI64,
    monotonic: ManualClock,
}

impl SetByHand {
    fn jump(&self, hours: i64) {
        self.unix_nano
            .fetch_add(hours * HOUR_NANO, Ordering::SeqCst);
        self.monotonic.advance(Duration::from_millis(1));
    }
}

impl Clock for SetByHand {
    fn unix_nano(&self) -> i64 {
        self.unix_nano.load(Ordering::SeqCst)
    }

    fn instant(&self) -> Instant {
        self.monotonic.instant()
    }
}

#[tokio::test]
async fn spans_stay_where_the_clock_goes() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SetByHand {
        unix_nano: NOW.into(),
        monotonic: ManualClock::at(NOW),
    });
    let open = || {
        let config = Config {
            data_dir: folder.path().to_owned(),
            compaction: eager(),
            ..config()
        };
        Store::open(config, clock.clone(), Default::default()).unwrap()
    };
    let mut store = open();
    let mut kept = Vec::new();
    for (number, hours) in (1_u8..).zip([0, 7, -30, 23, -5, 100, -100]) {
        clock.jump(hours);
        // One trace over all of it.
        let spans = [span(1, number.into()), span(1, 100 + u64::from(number))];
        for (digest, span) in [number, 100 + number].into_iter().zip(&spans) {
            let appended = store
                .append(request(digest, std::slice::from_ref(span)))
                .await;
            assert_eq!(appended.unwrap(), Appended::Stored);
            let again = store
                .append(request(digest, std::slice::from_ref(span)))
                .await;
            assert_eq!(again.unwrap(), Appended::Duplicate, "a retry, {hours} h");
        }
        kept.extend(spans);
        assert_eq!(all(&store).await, sorted(&kept), "in the head, {hours} h");
        store.flush().await.unwrap();
        store.compact().await.unwrap();
        assert_eq!(all(&store).await, sorted(&kept), "in blocks, {hours} h");
        store.close().await.unwrap();
        drop(store);
        store = open();
        assert_eq!(all(&store).await, sorted(&kept), "reopened, {hours} h");
    }
}
