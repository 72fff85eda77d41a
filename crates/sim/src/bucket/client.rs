//! The bucket as one process sees it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;
use std::sync::MutexGuard;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result, UploadPart,
};

use super::faults::{Fate, Verdict};
use super::request::Kind;
use super::{Effect, FaultyBucket, LATE_MAX, Late, Object, State, Upload};
use crate::disk::FaultyDisk;
use clock::Clock;

/// One process's way to the bucket. Clones are the same process.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) bucket: FaultyBucket,
    /// Dead when the process is.
    pub(super) disk: FaultyDisk,
}

impl Client {
    /// Decides what becomes of a request, and waits where it is held.
    ///
    /// Errors: when the process is dead.
    async fn begin(&self, kind: Kind, path: &str) -> Result<Verdict> {
        let (verdict, waits_for) = {
            let mut state = self.look()?;
            state.land_before(kind, path);
            let verdict = state.faults.request(kind, path);
            state.note(kind, &verdict);
            (verdict, state.stops(kind, path))
        };
        if let Some(released) = waits_for {
            // An error is the sign to go on.
            let _ = released.await;
        }
        let state = self.look()?;
        state.clock.advance(verdict.takes);
        Ok(verdict)
    }

    /// Does what a request asks for, as far as `verdict` lets it. `Ok(false)`: its place is taken.
    fn end(&self, verdict: &Verdict, effect: Effect) -> Result<bool> {
        let mut state = self.look()?;
        let done = match verdict.fate {
            Fate::Refused => Err(failed("nothing was done")),
            Fate::Conflict => Ok(false),
            Fate::Works => Ok(state.apply(effect)),
            Fate::Lost => {
                state.apply(effect);
                Err(failed("the answer was lost"))
            }
            Fate::Repeated => {
                state.apply(effect);
                Ok(false)
            }
            Fate::Delayed => {
                let waits_for = state.faults.delayed.take();
                let late = Late {
                    due: u64::MAX,
                    by: state.clock.instant(),
                    waits_for,
                    effect,
                };
                state.late.push(late);
                Err(failed("no answer in time"))
            }
            Fate::Late(after) => {
                let late = Late {
                    due: state.faults.requests + after,
                    by: state.clock.instant() + LATE_MAX,
                    waits_for: None,
                    effect,
                };
                state.late.push(late);
                Err(failed("no answer in time"))
            }
        };
        drop(state);
        self.crash_if(verdict)?;
        done
    }

    /// The process ends.
    fn crash_if(&self, verdict: &Verdict) -> Result<()> {
        if !verdict.crashes {
            return Ok(());
        }
        self.disk.cut();
        Err(power_is_gone())
    }

    /// Puts an object. `Ok(false)`: there is one already.
    async fn put_object(&self, path: String, bytes: Bytes, is_new: bool) -> Result<bool> {
        let kind = match is_new {
            true => Kind::PutNew,
            false => Kind::Put,
        };
        let verdict = self.begin(kind, &path).await?;
        let effect = Effect::Put {
            path,
            bytes,
            is_new,
        };
        self.end(&verdict, effect)
    }

    /// A request that only looks.
    async fn read(&self, kind: Kind, path: &str) -> Result<(MutexGuard<'_, State>, Fate)> {
        let verdict = self.begin(kind, path).await?;
        self.crash_if(&verdict)?;
        match verdict.fate {
            Fate::Refused => Err(failed("nothing was read")),
            fate => Ok((self.look()?, fate)),
        }
    }

    /// One page of what lies in `folder` and below, after `after`.
    async fn page(&self, folder: &str, after: &str) -> Result<Vec<ObjectMeta>> {
        let (state, fate) = self.read(Kind::List, folder).await?;
        if fate != Fate::Works {
            return Err(failed("the answer was lost"));
        }
        let within = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let from = after.max(within.as_str()).to_owned();
        let objects = state
            .objects
            .range((Bound::Excluded(from), Bound::Unbounded));
        let objects = objects.take_while(|(path, _)| path.starts_with(&within));
        let page = objects.take(state.page_len);
        Ok(page.map(|(path, object)| meta(path, object)).collect())
    }

    /// All pages, each asked for when it is wanted.
    fn pages(&self, folder: String, after: String) -> BoxStream<'static, Result<ObjectMeta>> {
        let from = (self.clone(), Some(after));
        let pages = stream::try_unfold(from, move |(client, after)| {
            let folder = folder.clone();
            async move {
                let Some(after) = after else {
                    return Ok(None);
                };
                let page = client.page(&folder, &after).await?;
                let last = page.last().map(|meta| meta.location.to_string());
                let page = stream::iter(page.into_iter().map(Ok));
                Ok::<_, Error>(Some((page, (client, last))))
            }
        });
        pages.try_flatten().boxed()
    }

    fn look(&self) -> Result<MutexGuard<'_, State>> {
        match self.disk.is_dead() {
            true => Err(power_is_gone()),
            false => Ok(self.bucket.state()),
        }
    }
}

impl State {
    /// Counts a request and what is wrong with it.
    fn note(&mut self, kind: Kind, verdict: &Verdict) {
        let name = kind.name();
        self.count(format!("bucket: {name}"));
        let what = match verdict.fate {
            Fate::Works if verdict.takes.is_zero() => None,
            Fate::Works => Some("slow"),
            Fate::Refused if verdict.in_outage => Some("refused in an outage"),
            Fate::Refused => Some("refused"),
            Fate::Conflict => Some("refused for a conflict that left nothing"),
            Fate::Lost if kind == Kind::Get => Some("broken off"),
            Fate::Lost => Some("with a lost answer"),
            Fate::Repeated => Some("that met their own repetition"),
            Fate::Late(_) | Fate::Delayed => Some("given up and done later"),
        };
        if let Some(what) = what {
            self.count(format!("bucket: {name}, {what}"));
        }
        if verdict.crashes {
            self.count(format!("bucket: {name}, during which the process ended"));
        }
    }
}

#[async_trait]
impl ObjectStore for Client {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let is_new = match options.mode {
            PutMode::Overwrite => false,
            PutMode::Create => true,
            PutMode::Update(_) => return Err(unsupported("put of a certain version")),
        };
        let path = location.to_string();
        match self
            .put_object(path.clone(), payload.into(), is_new)
            .await?
        {
            true => Ok(stored()),
            false => Err(Error::AlreadyExists {
                path,
                source: "it is there".into(),
            }),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = location.to_string();
        let verdict = self.begin(Kind::Begin, &path).await?;
        let number = {
            let mut state = self.look()?;
            let number = state.next_upload;
            if verdict.fate != Fate::Refused {
                state.next_upload += 1;
                let parts = Default::default();
                state.uploads.insert(
                    number,
                    Upload {
                        path: path.clone(),
                        parts,
                    },
                );
            }
            number
        };
        self.crash_if(&verdict)?;
        match verdict.fate {
            Fate::Works => Ok(Box::new(Parts {
                client: self.clone(),
                path,
                number,
                next_part: 0,
            })),
            _ => Err(failed("no upload was begun, or nobody knows its number")),
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (state, fate) = self.read(Kind::Get, location.as_ref()).await?;
        let Some(object) = state.objects.get(location.as_ref()).cloned() else {
            return Err(Error::NotFound {
                path: location.to_string(),
                source: "it is not there".into(),
            });
        };
        drop(state);
        let meta = meta(location.as_ref(), &object);
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range
                .as_range(meta.size)
                .map_err(|e| failed(e.to_string()))?,
            None => 0..meta.size,
        };
        let bytes = match options.head {
            true => Bytes::new(),
            false => object.bytes.slice(range.start as usize..range.end as usize),
        };
        let body = match fate {
            Fate::Works => vec![Ok(bytes)],
            _ => vec![
                Ok(bytes.slice(..bytes.len() / 2)),
                Err(failed("the answer breaks off")),
            ],
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter(body).boxed()),
            meta,
            range,
            attributes: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let client = self.clone();
        let remove = move |location: Path| {
            let client = client.clone();
            async move {
                let path = location.to_string();
                let verdict = client.begin(Kind::Delete, &path).await?;
                client.end(&verdict, Effect::Delete(path))?;
                Ok(location)
            }
        };
        locations.and_then(remove).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let folder = prefix.map_or("", Path::as_ref);
        self.pages(folder.to_owned(), String::new())
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let folder = prefix.map_or("", Path::as_ref);
        self.pages(folder.to_owned(), offset.to_string())
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let folder = prefix.cloned().unwrap_or_default();
        let mut pages = self.list(prefix);
        let mut prefixes = BTreeSet::new();
        let mut objects = Vec::new();
        while let Some(meta) = pages.try_next().await? {
            let location = meta.location.clone();
            let mut below = location.prefix_match(&folder).into_iter().flatten();
            match (below.next(), below.next()) {
                (Some(name), Some(_)) => drop(prefixes.insert(folder.clone().join(name))),
                _ => objects.push(meta),
            }
        }
        Ok(ListResult {
            common_prefixes: prefixes.into_iter().collect(),
            objects,
        })
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(unsupported("copy"))
    }
}

/// An upload under way.
#[derive(Debug)]
struct Parts {
    client: Client,
    path: String,
    number: u64,
    next_part: usize,
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.next_part;
        self.next_part += 1;
        let (client, path, number) = (self.client.clone(), self.path.clone(), self.number);
        Box::pin(async move {
            let verdict = client.begin(Kind::Part, &path).await?;
            if verdict.fate != Fate::Refused {
                let mut state = client.look()?;
                let upload = state.uploads.get_mut(&number);
                let upload = upload.ok_or_else(|| failed("there is no such upload"))?;
                upload.parts.insert(part, data.into());
            }
            client.crash_if(&verdict)?;
            match verdict.fate {
                Fate::Works => Ok(()),
                _ => Err(failed("the part failed, or its answer was lost")),
            }
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let verdict = self.client.begin(Kind::Finish, &self.path).await?;
        match self.client.end(&verdict, Effect::Finish(self.number))? {
            true => Ok(stored()),
            false => Err(failed("there is no such upload")),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        let verdict = self.client.begin(Kind::Abort, &self.path).await?;
        if verdict.fate != Fate::Refused {
            self.client.look()?.uploads.remove(&self.number);
        }
        self.client.crash_if(&verdict)?;
        match verdict.fate {
            Fate::Works => Ok(()),
            _ => Err(failed("the upload was not ended, or the answer was lost")),
        }
    }
}

const STORE: &str = "bucket";

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STORE)
    }
}

fn meta(path: &str, object: &Object) -> ObjectMeta {
    ObjectMeta {
        location: Path::from(path),
        last_modified: DateTime::from_timestamp_nanos(object.modified_unix_nano),
        size: object.bytes.len() as u64,
        e_tag: None,
        version: None,
    }
}

fn stored() -> PutResult {
    PutResult {
        e_tag: None,
        version: None,
    }
}

fn failed(what: impl Into<String>) -> Error {
    Error::Generic {
        store: STORE,
        source: what.into().into(),
    }
}

fn power_is_gone() -> Error {
    failed("power is gone")
}

fn unsupported(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: STORE.to_owned(),
    }
}
