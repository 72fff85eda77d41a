//! A disk as an object store, with what the Delta log asks of one: a put is atomic, and durable once it is answered.
//!
//! An object is written under a hidden name, synced, given its name, and its folder is synced. `PutMode::Create` refuses a name that is
//! taken. When the last sync fails, the object is visible and may yet be lost: its folder is no longer *settled*, and nothing in it is
//! answered until a sync has succeeded, so that nobody relies on what may go. Nor is a folder settled when it is first used: the
//! process before may have ended between a name and its sync.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::disk::{Disk, create_dirs};

const UNFINISHED: &str = ".tmp";

/// The files of a disk as objects. Names that begin with a dot are not seen. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct FolderObjects {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    /// In the names of unfinished files, so that writers do not meet there.
    writer: String,
    next_unfinished: AtomicU64,
    // Held while folders are made or synced.
    folders: Mutex<Folders>,
}

#[derive(Debug, Default)]
struct Folders {
    made: BTreeSet<String>,
    settled: BTreeSet<String>,
}

impl FolderObjects {
    /// `writer` is the name of this process among those that share the folder.
    pub(crate) fn new(disk: Arc<dyn Disk>, writer: &str) -> Self {
        Self {
            shared: Arc::new(Shared {
                disk,
                writer: writer.to_owned(),
                next_unfinished: AtomicU64::new(0),
                folders: Mutex::default(),
            }),
        }
    }
}

impl Shared {
    fn put(&self, path: &str, payload: &PutPayload, mode: &PutMode) -> io::Result<()> {
        let (folder, name) = split(path);
        self.make(folder)?;
        self.settle(folder)?;
        let number = self.next_unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = join(
            folder,
            &format!(".{name}.{}-{number}{UNFINISHED}", self.writer),
        );
        let disk = self.disk.as_ref();
        let write = || {
            let file = disk.create(&unfinished)?;
            let mut at = 0;
            for piece in payload {
                file.write_at(at, piece)?;
                at += piece.len() as u64;
            }
            file.sync()?;
            match mode {
                PutMode::Create => disk.rename_new(&unfinished, path),
                _ => disk.rename(&unfinished, path),
            }
        };
        write().inspect_err(|_| {
            // What stays is removed when the table is next opened.
            let _ = disk.remove(&unfinished);
        })?;
        self.sync(folder)
    }

    fn make(&self, folder: &str) -> io::Result<()> {
        let mut folders = self.folders();
        if !folder.is_empty() && !folders.made.contains(folder) {
            create_dirs(self.disk.as_ref(), folder)?;
            folders.made.insert(folder.to_owned());
        }
        Ok(())
    }

    fn sync(&self, folder: &str) -> io::Result<()> {
        self.folders().settled.remove(folder);
        self.settle(folder)
    }

    fn settle(&self, folder: &str) -> io::Result<()> {
        let mut folders = self.folders();
        if !folders.settled.contains(folder) {
            self.disk.sync_dir(folder)?;
            folders.settled.insert(folder.to_owned());
        }
        Ok(())
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meta(&self, path: &str) -> io::Result<ObjectMeta> {
        let stat = self.disk.stat(path)?;
        Ok(ObjectMeta {
            location: Path::from(path),
            last_modified: DateTime::from_timestamp_nanos(stat.modified_unix_nano),
            size: stat.len,
            e_tag: None,
            version: None,
        })
    }

    fn read(&self, path: &str, range: Range<u64>) -> io::Result<Bytes> {
        let file = self.disk.open(path)?;
        let len = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        file.read_at(range.start, &mut bytes)?;
        Ok(Bytes::from(bytes))
    }

    /// The objects in `folder` and below whose path is greater than `after`, sorted by it.
    fn list(&self, folder: &str, after: &str) -> io::Result<Vec<ObjectMeta>> {
        let mut found = Vec::new();
        let mut waiting = vec![folder.to_owned()];
        match self.settle(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            settled => settled?,
        }
        while let Some(folder) = waiting.pop() {
            let entries = match self.disk.list(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries.into_iter().filter(|e| !e.name.starts_with('.')) {
                let path = join(&folder, &entry.name);
                if entry.is_dir {
                    waiting.push(path);
                } else if path.as_str() > after {
                    match self.meta(&path) {
                        // Removed meanwhile.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        meta => found.push(meta?),
                    }
                }
            }
        }
        found.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    fn stream(&self, prefix: Option<&Path>, after: &str) -> BoxStream<'static, Result<ObjectMeta>> {
        let folder = prefix.map_or("", Path::as_ref);
        match self.list(folder, after) {
            Ok(found) => stream::iter(found.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(failed(folder, error))]).boxed(),
        }
    }
}

#[async_trait]
impl ObjectStore for FolderObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if let PutMode::Update(_) = options.mode {
            return Err(unsupported("put of a certain version"));
        }
        let path = location.as_ref();
        let put = self.shared.put(path, &payload, &options.mode);
        put.map_err(|e| failed(path, e))?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Parts {
            objects: self.clone(),
            location: location.clone(),
            parts: Vec::new(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let path = location.as_ref();
        let (folder, _) = split(path);
        let shared = &self.shared;
        let meta = shared.settle(folder).and_then(|()| shared.meta(path));
        let meta = meta.map_err(|e| failed(path, e))?;
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range.as_range(meta.size).map_err(|e| Error::Generic {
                store: STORE,
                source: Box::new(e),
            })?,
            None => 0..meta.size,
        };
        let bytes = if options.head {
            Bytes::new()
        } else {
            let read = shared.read(path, range.clone());
            read.map_err(|e| failed(path, e))?
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed()),
            meta,
            range,
            attributes: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let disk = self.shared.disk.clone();
        let remove = move |location: Path| {
            let removed = match disk.remove(location.as_ref()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            };
            let removed = removed.map_err(|e| failed(location.as_ref(), e));
            std::future::ready(removed.map(|()| location))
        };
        locations.and_then(remove).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.shared.stream(prefix, "")
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.shared.stream(prefix, offset.as_ref())
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let folder = prefix.map_or("", Path::as_ref);
        let found = self
            .shared
            .list(folder, "")
            .map_err(|e| failed(folder, e))?;
        let mut prefixes = BTreeSet::new();
        let mut objects = Vec::new();
        for meta in found {
            let below = meta
                .location
                .as_ref()
                .strip_prefix(folder)
                .unwrap_or_default();
            match below.trim_start_matches('/').split_once('/') {
                Some((name, _)) => drop(prefixes.insert(Path::from(join(folder, name)))),
                None => objects.push(meta),
            }
        }
        Ok(ListResult {
            common_prefixes: prefixes.into_iter().collect(),
            objects,
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        let bytes = self.get(from).await?.bytes().await?;
        self.put_opts(to, bytes.into(), mode.into()).await.map(drop)
    }
}

/// Parts of an object, held until all are there.
#[derive(Debug)]
struct Parts {
    objects: FolderObjects,
    location: Path,
    parts: Vec<Bytes>,
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.extend(data);
        Box::pin(std::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let payload = PutPayload::from_iter(std::mem::take(&mut self.parts));
        self.objects.put(&self.location, payload).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}

const STORE: &str = "folder";

impl fmt::Display for FolderObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STORE)
    }
}

/// Removes what unfinished puts of `writer` left in `folder` when its last process ended.
pub(crate) fn remove_unfinished(disk: &dyn Disk, folder: &str, writer: &str) -> io::Result<()> {
    let entries = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let is_ours = |name: &str| {
        let rest = name.strip_suffix(UNFINISHED);
        let rest = rest.filter(|rest| rest.starts_with('.'));
        rest.and_then(|rest| rest.rsplit_once('-'))
            .is_some_and(|(rest, _)| rest.ends_with(writer))
    };
    for entry in entries.iter().filter(|e| is_ours(&e.name)) {
        disk.remove(&join(folder, &entry.name))?;
    }
    Ok(())
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

fn failed(path: &str, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => Error::NotFound {
            path,
            source: Box::new(source),
        },
        io::ErrorKind::AlreadyExists => Error::AlreadyExists {
            path,
            source: Box::new(source),
        },
        _ => Error::Generic {
            store: STORE,
            source: Box::new(source),
        },
    }
}

fn unsupported(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: STORE.to_owned(),
    }
}
