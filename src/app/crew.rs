//! Tasks that begin with the gateway and end with it.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Some of them, and what tells them to stop.
#[derive(Debug, Default)]
pub(super) struct Crew {
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Crew {
    /// Begins one, which is given what will tell it to stop.
    pub(super) fn begin<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push(tokio::spawn(task(self.stop.clone())));
    }

    /// What tells them to stop.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells them to stop, and gives each so long to end.
    pub(super) async fn end(self, grace: Duration) {
        self.stop.cancel();
        for task in self.tasks {
            let abort = task.abort_handle();
            if tokio::time::timeout(grace, task).await.is_err() {
                tracing::warn!(
                    "work in progress did not end in time; its lease runs out and another takes it up"
                );
                abort.abort();
            }
        }
    }
}
