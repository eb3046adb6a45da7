//! A real `bootstrap` process, driven through the Runtime API.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::runtime_api::{Desk, RuntimeApi};
use crate::fake::lock;

/// Bytes of the end of standard error that are kept for error messages.
const TAIL: usize = 4_096;

/// A running function; it is killed when dropped.
#[derive(Debug)]
pub struct Bootstrap {
    pid: u32,
    started: Instant,
    desk: Arc<Desk>,
    stderr: Arc<Mutex<Vec<u8>>>,
    exited: watch::Receiver<Option<String>>,
    watcher: JoinHandle<()>,
}

/// The error of an invocation, in Lambda's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// `errorType`; `Runtime.ExitError` when the process exited, `Sandbox.Timedout` after the
    /// deadline.
    pub error_type: String,
    /// `errorMessage`.
    pub error_message: String,
}

impl std::fmt::Display for FunctionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.error_message)
    }
}

impl std::error::Error for FunctionError {}

impl FunctionError {
    pub(super) fn of_body(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        Self { error_type: text("errorType"), error_message: text("errorMessage") }
    }
}

impl Bootstrap {
    /// Starts the program like Lambda: with the variables that Lambda sets, the given ones, and no
    /// others.
    pub fn spawn(
        path: impl AsRef<Path>,
        environment: &[(&str, &str)],
        runtime: &RuntimeApi,
    ) -> std::io::Result<Self> {
        runtime.desk.clear();
        let mut command = Command::new(path.as_ref());
        command.env_clear().envs(LAMBDA).env("AWS_LAMBDA_RUNTIME_API", runtime.address());
        // Where instrumented programs put their coverage data.
        command.envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)));
        command.envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.kill_on_drop(true);

        let started = Instant::now();
        let mut child = command.spawn()?;
        let pid = child.id().unwrap_or_default();
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let (sender, exited) = watch::channel(None);
        let pipe = child.stderr.take();
        let kept = Arc::clone(&stderr);
        let watcher = tokio::spawn(async move {
            // The pipe closes with the process, so its last output is there when its exit is
            // reported.
            if let Some(mut pipe) = pipe {
                let mut chunk = [0; 4_096];
                while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
                    let mut kept = lock(&kept);
                    kept.extend_from_slice(&chunk[..length]);
                    let excess = kept.len().saturating_sub(TAIL);
                    kept.drain(..excess);
                }
            }
            let status = child.wait().await;
            let text = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            let _ = sender.send(Some(text));
        });
        Ok(Self { pid, started, desk: Arc::clone(&runtime.desk), stderr, exited, watcher })
    }

    /// The process id, for `/proc`.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The end of the process's standard error.
    pub fn stderr_tail(&self) -> String {
        String::from_utf8_lossy(&lock(&self.stderr)).into_owned()
    }

    /// The time from starting the process to its first request for work: the cold start.
    pub async fn first_next(&self) -> Result<Duration, FunctionError> {
        let mut first = self.desk.first_next.subscribe();
        tokio::select! {
            biased;
            asked = first.wait_for(Option::is_some) => {
                let asked = asked.ok().and_then(|asked| asked.clone());
                let at = asked.ok_or_else(|| self.exit_error("the Runtime API was stopped"))??;
                Ok(at.duration_since(self.started))
            }
            error = self.exit() => Err(error),
        }
    }

    /// One invocation, from queueing the event to its result.
    pub async fn invoke(&self, event: &Value, deadline: Duration) -> Result<Value, FunctionError> {
        let result = self.desk.queue(event, deadline);
        tokio::select! {
            biased;
            result = result => result.unwrap_or_else(|_| Err(self.exit_error("forgotten"))),
            error = self.exit() => Err(error),
            () = tokio::time::sleep(deadline) => Err(FunctionError {
                error_type: "Sandbox.Timedout".to_owned(),
                error_message: format!("Task timed out after {:.2} seconds", deadline.as_secs_f64()),
            }),
        }
    }

    async fn exit(&self) -> FunctionError {
        let mut exited = self.exited.clone();
        let status = exited.wait_for(Option::is_some).await.ok().and_then(|status| status.clone());
        self.exit_error(&status.unwrap_or_default())
    }

    fn exit_error(&self, status: &str) -> FunctionError {
        FunctionError {
            error_type: "Runtime.ExitError".to_owned(),
            error_message: format!("{status}; its last words: {}", self.stderr_tail()),
        }
    }
}

impl Drop for Bootstrap {
    fn drop(&mut self) {
        // The task owns the process, which is killed when dropped with it.
        self.watcher.abort();
    }
}

/// The variables that Lambda sets for every function, and the credentials of the fake.
const LAMBDA: [(&str, &str); 12] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "function-under-test"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function-under-test"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2000/01/02/[$LATEST]0123456789abcdef"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_DEFAULT_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "fake-secret-access-key"),
    ("TZ", ":UTC"),
    ("LANG", "en_US.UTF-8"),
];
