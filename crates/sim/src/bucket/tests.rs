//! The bucket without faults does what S3 promises, and each fault what its name says.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutMode};

use super::*;

struct Rig {
    bucket: FaultyBucket,
    disk: FaultyDisk,
    client: Arc<dyn ObjectStore>,
}

impl Rig {
    fn new() -> Self {
        let bucket = FaultyBucket::new(Arc::new(ManualClock::at(0)), 2);
        let disk = FaultyDisk::new();
        Self {
            client: bucket.client(&disk),
            bucket,
            disk,
        }
    }

    async fn put(&self, path: &str, mode: PutMode) -> object_store::Result<()> {
        let (bytes, path) = (path.as_bytes().to_vec(), Path::from(path));
        let put = self.client.put_opts(&path, bytes.into(), mode.into());
        put.await.map(drop)
    }

    /// Without faults but `plan`, which lets all requests go one way.
    fn plan(&self, plan: BucketPlan) {
        self.bucket.set_plan(Some(plan));
    }
}

fn run(test: impl AsyncFn(Rig)) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(test(Rig::new()));
}

#[test]
fn listings_are_complete_page_by_page() {
    run(async |rig| {
        let paths = ["a/1", "a/2", "a/3", "a/b/4", "ab/5", "c"];
        for path in paths {
            rig.put(path, PutMode::Create).await.unwrap();
        }
        let listed = async |prefix: Option<&str>, after: &str| {
            let prefix = prefix.map(Path::from);
            let after = Path::from(after);
            let found = rig.client.list_with_offset(prefix.as_ref(), &after);
            let found: Vec<_> = found.try_collect().await.unwrap();
            found
                .iter()
                .map(|m| m.location.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(listed(None, "").await, paths);
        assert_eq!(listed(Some("a"), "").await, paths[..4]);
        assert_eq!(listed(Some("a"), "a/2").await, paths[2..4]);
        assert_eq!(listed(Some("d"), "").await, [""; 0]);
        let folder = rig
            .client
            .list_with_delimiter(Some(&"a".into()))
            .await
            .unwrap();
        assert_eq!(folder.common_prefixes, [Path::from("a/b")]);
        assert_eq!(folder.objects.len(), 3);
        rig.client.delete(&"a/2".into()).await.unwrap();
        rig.client.delete(&"a/2".into()).await.unwrap();
        assert_eq!(listed(Some("a"), "").await, ["a/1", "a/3", "a/b/4"]);
    });
}

#[test]
fn a_put_if_absent_is_made_once_and_an_upload_as_a_whole() {
    run(async |rig| {
        rig.put("a", PutMode::Create).await.unwrap();
        let again = rig.put("a", PutMode::Create).await.unwrap_err();
        assert!(matches!(again, Error::AlreadyExists { .. }));
        let path = Path::from("b");
        let mut upload = rig.client.put_multipart(&path).await.unwrap();
        for part in ["12", "34", "5"] {
            upload.put_part(part.into()).await.unwrap();
        }
        assert!(rig.client.head(&path).await.is_err(), "not before");
        upload.complete().await.unwrap();
        assert!(upload.complete().await.is_err(), "it is no more");
        assert_eq!(rig.client.get_range(&path, 1..4).await.unwrap(), "234");
    });
}

#[test]
fn faults_take_effect_or_not_as_they_are_named() {
    run(async |rig| {
        rig.plan(BucketPlan {
            refused_per_mille: 1000,
            ..BucketPlan::default()
        });
        rig.put("refused", PutMode::Overwrite).await.unwrap_err();
        rig.plan(BucketPlan {
            lost_per_mille: 1000,
            ..BucketPlan::default()
        });
        rig.put("lost", PutMode::Overwrite).await.unwrap_err();
        rig.plan(BucketPlan {
            late_per_mille: 1000,
            ..BucketPlan::default()
        });
        rig.put("late", PutMode::Overwrite).await.unwrap_err();
        rig.plan(BucketPlan {
            outage: 2,
            ..BucketPlan::default()
        });
        rig.put("outage", PutMode::Overwrite).await.unwrap_err();
        assert!(rig.client.head(&"lost".into()).await.is_err());
        assert_eq!(rig.bucket.paths(""), ["lost"]);
        rig.bucket.calm();
        rig.bucket.delay_next_put("x/");
        rig.put("x/delayed", PutMode::Create).await.unwrap_err();
        rig.put("y", PutMode::Create).await.unwrap();
        assert_eq!(rig.bucket.contents("x/delayed"), "");
        let late = rig.put("x/delayed", PutMode::Create).await.unwrap_err();
        assert!(matches!(late, Error::AlreadyExists { .. }));
        rig.bucket.land_all();
        assert_eq!(rig.bucket.contents("late"), "late");
        let counts = rig.bucket.counts();
        assert_eq!(counts["bucket: puts, with a lost answer"], 1);
        assert_eq!(counts["bucket: puts, given up and done later"], 1);
        assert_eq!(counts["bucket: gets, refused in an outage"], 1);
        assert_eq!(counts["bucket: late effects that came about"], 2);
    });
}

#[test]
fn a_process_that_ends_during_a_request_makes_no_more() {
    run(async |rig| {
        rig.bucket.crash_in(2);
        rig.put("a", PutMode::Create).await.unwrap();
        rig.put("b", PutMode::Create).await.unwrap_err();
        assert!(rig.disk.is_dead());
        rig.client.head(&"a".into()).await.unwrap_err();
        let next = rig.bucket.client(&FaultyDisk::new());
        next.head(&"a".into()).await.unwrap();
    });
}
