//! Where tables lie: a folder of a disk, or a bucket with S3's protocol.
//!
//! A [`Lake`] gives the files of tables two faces. The Delta log goes through an [`ObjectStore`], since that is what its library
//! speaks; blocks go through a [`Disk`], since that is what writes and reads them. Whichever the lake is not, an adapter makes of it:
//! [`FolderObjects`] has durable, atomic puts over a disk; [`ObjectDisk`] has files over a bucket.
//!
//! The callers are plain threads, and the library is asynchronous and blocks inside: both meet in [`LakeRuntime`].

mod folder_objects;
mod object_disk;
mod runtime;
mod s3;

pub(crate) use folder_objects::{FolderObjects, remove_unfinished};
pub(crate) use object_disk::ObjectDisk;
pub(crate) use runtime::{LakeRuntime, NoAnswer};

use std::io;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;

use crate::config::LakeLocation;
use crate::disk::{Disk, Folder, RealDisk, create_dirs};
use crate::error::OpenError;

/// The folder of tables in a data folder.
const FOLDER: &str = "lake";

/// Bytes of a part of an upload; a smaller file is uploaded at once. S3 wants at least 5 MiB and at most 10,000 parts: so 80 GB.
const PART_BYTES: usize = 8 << 20;

/// An object store that is there already and is to be the lake, in place of [`Config::lake`](crate::Config::lake).
///
/// It is waited for as long as it takes: its requests have to end by themselves.
#[derive(Debug, Clone)]
pub struct LakeObjects {
    /// Its root is the lake's. A put is atomic, `PutMode::Create` refuses a name that is taken, and what is answered stays.
    pub objects: Arc<dyn ObjectStore>,
    /// Bytes of a part of an upload; a smaller file is uploaded at once.
    pub part_bytes: usize,
}

impl LakeObjects {
    /// `objects`, with parts of a size that S3 takes.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            objects,
            part_bytes: PART_BYTES,
        }
    }
}

/// An opened place for tables. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Lake {
    pub(crate) runtime: Arc<LakeRuntime>,
    /// Its root is the lake's.
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// The same files.
    pub(crate) disk: Arc<dyn Disk>,
    /// Whether a request may still be under way when its sender has given up or is gone.
    pub(crate) is_remote: bool,
    /// The lake's folder in the data folder, if it lies there.
    pub(crate) data_disk_folder: Option<&'static str>,
}

impl Lake {
    /// Opens the lake at `location` for the writer `writer`, whose data folder is `data_disk`.
    ///
    /// Errors: when the folder cannot be made or the description of the bucket is not usable. The network is not tried.
    pub(crate) fn open(
        location: &LakeLocation,
        data_disk: &Arc<dyn Disk>,
        writer: &str,
    ) -> Result<Self, OpenError> {
        match location {
            LakeLocation::DataFolder => {
                create_dirs(data_disk.as_ref(), FOLDER).map_err(OpenError::io(FOLDER))?;
                let disk = Arc::new(Folder::new(data_disk.clone(), FOLDER));
                Self::in_folder(disk, writer, Some(FOLDER)).map_err(OpenError::io(FOLDER))
            }
            LakeLocation::Folder(path) => {
                let context = || OpenError::io(format!("opening the lake {}", path.display()));
                let disk = RealDisk::open(path).map_err(context())?;
                Self::in_folder(Arc::new(disk), writer, None).map_err(context())
            }
            LakeLocation::S3(bucket) => {
                let context = || OpenError::io(format!("opening the lake in {}", bucket.bucket));
                let store = s3::build(bucket).map_err(io::Error::other);
                let store = PrefixStore::new(store.map_err(context())?, bucket.prefix.as_str());
                let runtime = LakeRuntime::start(Some(bucket.timeout)).map_err(context())?;
                let objects = LakeObjects::new(Arc::new(store));
                Ok(Self::of_objects(objects, Arc::new(runtime)))
            }
        }
    }

    /// Opens the lake that `objects` are.
    pub(crate) fn open_objects(objects: LakeObjects) -> Result<Self, OpenError> {
        let runtime = LakeRuntime::start(None).map_err(OpenError::io("starting threads"))?;
        Ok(Self::of_objects(objects, Arc::new(runtime)))
    }

    fn in_folder(
        disk: Arc<dyn Disk>,
        writer: &str,
        data_disk_folder: Option<&'static str>,
    ) -> io::Result<Self> {
        Ok(Self {
            // What a disk does cannot be given up half-way.
            runtime: Arc::new(LakeRuntime::start(None)?),
            objects: Arc::new(FolderObjects::new(disk.clone(), writer)),
            disk,
            is_remote: false,
            data_disk_folder,
        })
    }

    /// The lake that `objects` are.
    pub(crate) fn of_objects(objects: LakeObjects, runtime: Arc<LakeRuntime>) -> Self {
        Self {
            disk: Arc::new(ObjectDisk::new(objects.clone(), runtime.clone())),
            runtime,
            objects: objects.objects,
            is_remote: true,
            data_disk_folder: None,
        }
    }

    /// Where the file at `path` lies in the data folder, if it lies there.
    pub(crate) fn path_on_data_disk(&self, path: &str) -> Option<String> {
        let folder = self.data_disk_folder?;
        Some(format!("{folder}/{path}"))
    }

    /// The files of the table `name`, relative to its root; the folder is there afterwards.
    pub(crate) fn table_disk(&self, name: &str) -> io::Result<Arc<dyn Disk>> {
        create_dirs(self.disk.as_ref(), name)?;
        Ok(Arc::new(Folder::new(self.disk.clone(), name)))
    }

    /// The same as objects.
    pub(crate) fn table_objects(&self, name: &str) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(self.objects.clone(), Path::from(name)))
    }
}
