//! How a background thread is asked for something, and answers.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use store_api::{Error, ErrorKind};
use tokio::sync::oneshot;

enum Command<T> {
    Wake,
    Do(Answer<T>),
    /// Say that everything before this is done.
    Report(oneshot::Sender<()>),
    Stop,
}

/// The way to a thread that answers with `T`. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox<T> {
    commands: Sender<Command<T>>,
}

/// The thread's end.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    commands: Receiver<Command<T>>,
}

/// Where the answer to a wish goes.
pub(crate) struct Answer<T>(oneshot::Sender<Result<T, Error>>);

/// Why a thread wakes up.
pub(crate) enum Next<T> {
    /// Nobody asked for anything.
    Time,
    /// It was woken, whatever for.
    Woken,
    /// Someone waits for it to do its work.
    Asked(Answer<T>),
    /// It is to end, or nobody can ask any more.
    Stop,
}

/// Both ends, for a thread that is to be started.
pub(crate) fn mailbox<T>() -> (Mailbox<T>, Inbox<T>) {
    let (commands, queue) = channel();
    (Mailbox { commands }, Inbox { commands: queue })
}

impl<T> Mailbox<T> {
    /// Wakes the thread. Does nothing once it has ended.
    pub(crate) fn wake(&self) {
        let _ = self.commands.send(Command::Wake);
    }

    /// Has the thread do its work, and waits for what comes of it.
    ///
    /// Errors: the thread's own; `Unavailable` once it has ended.
    pub(crate) async fn ask(&self) -> Result<T, Error> {
        self.send()?.await.map_err(|_| ended())?
    }

    /// The same, for threads outside the runtime.
    pub(crate) fn ask_blocking(&self) -> Result<T, Error> {
        self.send()?.blocking_recv().map_err(|_| ended())?
    }

    fn send(&self) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
        let (answer, done) = oneshot::channel();
        let sent = self.commands.send(Command::Do(Answer(answer)));
        sent.map_err(|_| ended())?;
        Ok(done)
    }

    /// Waits until the thread has done what it was asked to before the call.
    pub(crate) async fn idle(&self) {
        let (answer, done) = oneshot::channel();
        // Either error says that it has ended, and so does nothing any more.
        if self.commands.send(Command::Report(answer)).is_ok() {
            let _ = done.await;
        }
    }

    /// Lets the thread end after what it is doing.
    pub(crate) fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }
}

impl<T> Inbox<T> {
    /// Waits for the next wish, as long as `patience` says when the wait begins; a report begins it anew.
    pub(crate) fn next(&self, patience: impl Fn() -> Duration) -> Next<T> {
        loop {
            match self.commands.recv_timeout(patience()) {
                Ok(Command::Wake) => return Next::Woken,
                Ok(Command::Do(answer)) => return Next::Asked(answer),
                Ok(Command::Report(answer)) => {
                    let _ = answer.send(());
                }
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return Next::Stop,
                Err(RecvTimeoutError::Timeout) => return Next::Time,
            }
        }
    }
}

impl<T> Answer<T> {
    /// Answers. Who asked may have left.
    pub(crate) fn give(self, result: Result<T, Error>) {
        let _ = self.0.send(result);
    }
}

/// What those outside are told of an error inside.
pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, error.to_string()).caused_by(error)
}

fn ended() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is closed")
}
