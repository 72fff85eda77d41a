//! An object store as a disk: files that are written once from front to back, then read anywhere.
//!
//! A file is uploaded in parts as it is written and becomes visible, whole, when it is synced. There are no folders, so making and
//! syncing them is nothing. Not offered, since blocks need neither: writing where something was written, and renaming.

use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};

use super::{LakeObjects, LakeRuntime};
use crate::disk::{Disk, DiskFile, Entry, Stat};

/// The objects of a store as files. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ObjectDisk {
    objects: Arc<dyn ObjectStore>,
    part_bytes: usize,
    runtime: Arc<LakeRuntime>,
}

impl ObjectDisk {
    pub(crate) fn new(objects: LakeObjects, runtime: Arc<LakeRuntime>) -> Self {
        Self {
            objects: objects.objects,
            part_bytes: objects.part_bytes,
            runtime,
        }
    }

    /// Runs one request.
    fn request<T, F, R>(&self, request: R) -> io::Result<T>
    where
        T: Send + 'static,
        F: Future<Output = object_store::Result<T>> + Send + 'static,
        R: FnOnce(Arc<dyn ObjectStore>) -> F,
    {
        let done = self.runtime.wait(request(self.objects.clone()));
        done.map_err(|none| io::Error::new(io::ErrorKind::TimedOut, none))?
            .map_err(failed)
    }
}

impl Disk for ObjectDisk {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        Ok(Box::new(()))
    }

    fn create_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(NewObject {
            disk: self.clone(),
            path: Path::from(path),
            state: Mutex::default(),
        }))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let len = self.stat(path)?.len;
        Ok(Arc::new(OldObject {
            disk: self.clone(),
            path: Path::from(path),
            len,
        }))
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn rename_new(&self, _from: &str, _to: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = Path::from(path);
        self.request(|objects| async move { objects.delete(&path).await })
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let prefix = Path::from(path);
        let found = self
            .request(|objects| async move { objects.list_with_delimiter(Some(&prefix)).await })?;
        let entry = |path: &Path, is_dir| Entry {
            name: path.filename().unwrap_or_default().to_owned(),
            is_dir,
        };
        let folders = found.common_prefixes.iter().map(|p| entry(p, true));
        let files = found.objects.iter().map(|o| entry(&o.location, false));
        Ok(folders.chain(files).collect())
    }

    fn stat(&self, path: &str) -> io::Result<Stat> {
        let path = Path::from(path);
        let meta = self.request(|objects| async move { objects.head(&path).await })?;
        Ok(Stat {
            len: meta.size,
            modified_unix_nano: meta.last_modified.timestamp_nanos_opt().unwrap_or(i64::MAX),
        })
    }

    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn is_remote(&self) -> bool {
        true
    }
}

/// An object on its way up.
#[derive(Debug)]
struct NewObject {
    disk: ObjectDisk,
    path: Path,
    // Held across requests: a file has one writer.
    state: Mutex<Upload>,
}

#[derive(Debug, Default)]
struct Upload {
    /// Written, not yet in a part.
    tail: Vec<u8>,
    /// Bytes in parts.
    uploaded: u64,
    parts: Option<Box<dyn MultipartUpload>>,
    is_complete: bool,
}

impl NewObject {
    /// Uploads the tail as a part.
    fn put_part(&self, upload: &mut Upload) -> io::Result<()> {
        let mut parts = match upload.parts.take() {
            Some(parts) => parts,
            None => {
                let path = self.path.clone();
                self.disk
                    .request(|objects| async move { objects.put_multipart(&path).await })?
            }
        };
        let bytes = std::mem::take(&mut upload.tail);
        let len = bytes.len() as u64;
        let part = parts.put_part(PutPayload::from(bytes));
        upload.parts = Some(parts);
        self.disk.request(|_| part)?;
        upload.uploaded += len;
        Ok(())
    }
}

impl DiskFile for NewObject {
    fn allocate(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut upload = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if upload.is_complete || offset != upload.uploaded + upload.tail.len() as u64 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        upload.tail.extend_from_slice(bytes);
        if upload.tail.len() >= self.disk.part_bytes {
            self.put_part(&mut upload)?;
        }
        Ok(())
    }

    fn read_at(&self, _offset: u64, _bytes: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn len(&self) -> io::Result<u64> {
        let upload = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(upload.uploaded + upload.tail.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        let mut upload = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if upload.is_complete {
            return Ok(());
        }
        if upload.parts.is_none() {
            let (path, bytes) = (self.path.clone(), upload.tail.clone());
            self.disk
                .request(|objects| async move { objects.put(&path, bytes.into()).await })?;
        } else {
            if !upload.tail.is_empty() {
                self.put_part(&mut upload)?;
            }
            let mut parts = upload.parts.take().expect("there are parts");
            self.disk
                .request(|_| async move { parts.complete().await })?;
        }
        upload.uploaded += upload.tail.len() as u64;
        upload.tail = Vec::new();
        upload.is_complete = true;
        Ok(())
    }
}

impl Drop for NewObject {
    fn drop(&mut self) {
        let upload = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut parts) = upload.parts.take() {
            // Parts cost space until the bucket's own rule removes them, should this fail.
            let _ = self.disk.request(|_| async move { parts.abort().await });
        }
    }
}

/// An object as it lies there; it never changes.
#[derive(Debug)]
struct OldObject {
    disk: ObjectDisk,
    path: Path,
    len: u64,
}

impl DiskFile for OldObject {
    fn allocate(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        let end = end.filter(|end| *end <= self.len);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        let read: Bytes = self
            .disk
            .request(|objects| async move { objects.get_range(&path, offset..end).await })?;
        if read.len() != bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.copy_from_slice(&read);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(error: object_store::Error) -> io::Error {
    let kind = match error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    const PART_BYTES: usize = 1 << 10;

    fn disk() -> ObjectDisk {
        let runtime = Arc::new(LakeRuntime::start(None).unwrap());
        let objects = LakeObjects {
            part_bytes: PART_BYTES,
            ..LakeObjects::new(Arc::new(InMemory::new()))
        };
        ObjectDisk::new(objects, runtime)
    }

    #[test]
    fn a_file_is_there_whole_once_it_is_synced() {
        // Within a part, exactly two parts, and more.
        for len in [0, 3, 2 * PART_BYTES, 2 * PART_BYTES + 5] {
            let disk = disk();
            let bytes: Vec<u8> = (0..len).map(|n| (n / 7) as u8).collect();
            let file = disk.create("a/b").unwrap();
            let mut at = 0;
            for piece in bytes.chunks(PART_BYTES / 3 + 1) {
                file.write_at(at, piece).unwrap();
                at += piece.len() as u64;
            }
            assert!(disk.open("a/b").is_err(), "not before");
            file.sync().unwrap();
            assert_eq!(file.len().unwrap(), len as u64);
            let file = disk.open("a/b").unwrap();
            assert_eq!(file.len().unwrap(), len as u64);
            let mut read = vec![0; len];
            file.read_at(0, &mut read).unwrap();
            assert!(read == bytes, "{len} bytes");
            let end = file.read_at(len as u64, &mut [0]).unwrap_err();
            assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(disk.list("a").unwrap()[0].name, "b");
            disk.remove("a/b").unwrap();
            assert_eq!(
                disk.open("a/b").unwrap_err().kind(),
                io::ErrorKind::NotFound
            );
        }
    }

    #[test]
    fn a_file_is_written_from_front_to_back_once() {
        let file = disk().create("a").unwrap();
        file.write_at(0, b"abc").unwrap();
        for wrong in [0, 2, 4] {
            let refused = file.write_at(wrong, b"x").unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
        }
        file.sync().unwrap();
        assert!(file.write_at(3, b"x").is_err());
    }
}
