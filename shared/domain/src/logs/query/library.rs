//! Queries that fargaze brings, by name.

/// Declares the built-in queries: variant, name, what it shows, and its text.
macro_rules! library {
    ($($(#[$doc:meta])* $variant:ident = $key:literal, $shows:literal, $text:expr;)+) => {
        /// A built-in query.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Library {
            $($(#[$doc])* $variant,)+
        }

        impl Library {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in the user's file.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// What it shows, for documents.
            pub fn shows(self) -> &'static str {
                match self { $(Self::$variant => $shows,)+ }
            }

            /// Its text.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

library! {
    /// Errors.
    Errors = "errors", "lines with an error word, by log group and 5 minutes",
        "filter @message like /(?i)(error|exception|fatal|panic|traceback)\\b/\n\
         | stats count(*) as count by @log, bin(5m)";
    /// Status classes of an access log.
    HttpStatus = "http-status", "requests of access logs in the common format by status class and 5 minutes",
        "parse @message /\"(?<method>[A-Z]+) (?<path>\\S+) [^\"]*\" (?<status>\\d{3}) /\n\
         | filter ispresent(status)\n\
         | fields concat(substr(status, 0, 1), \"xx\") as class\n\
         | stats count(*) as count by class, bin(5m)";
    /// Not found.
    Http404 = "http-404", "requests of access logs that were answered with 404, by path",
        "parse @message /\"(?<method>[A-Z]+) (?<path>\\S+) [^\"]*\" (?<status>\\d{3}) /\n\
         | filter status = 404\n\
         | stats count(*) as count by path\n\
         | sort count desc\n\
         | limit 20";
    /// Server errors.
    Http5xx = "http-5xx", "requests of access logs that were answered with 5XX, by log group and 5 minutes",
        "parse @message /\"(?<method>[A-Z]+) (?<path>\\S+) [^\"]*\" (?<status>\\d{3}) /\n\
         | filter status >= 500\n\
         | stats count(*) as count by @log, bin(5m)";
    /// Slow requests.
    SlowRequests = "slow-requests", "the slowest paths of JSON logs with `path` and `duration_ms`",
        "filter ispresent(duration_ms)\n\
         | stats pct(duration_ms, 50) as p50, pct(duration_ms, 95) as p95, pct(duration_ms, 99) as p99, count(*) as requests by path\n\
         | sort p99 desc\n\
         | limit 20";
    /// Forbidden calls in the audit log of EKS.
    Audit403 = "eks-audit-403", "calls that the API server of EKS refused, by user, verb and resource (audit logs in /aws/eks/CLUSTER/cluster)",
        "filter @logStream like /^kube-apiserver-audit-/ and responseStatus.code = 403\n\
         | stats count(*) as count by user.username, verb, objectRef.resource\n\
         | sort count desc\n\
         | limit 20";
    /// Starts of the log router.
    RouterRestarts = "router-restarts", "starts of Fluent Bit, by log group and 5 minutes: more than one for a task is a restart",
        "filter @message like /Fluent Bit v[0-9]/\n\
         | stats count(*) as count by @log, bin(5m)";
    /// What the log router loses.
    RouterLosses = "router-losses", "lines with which Fluent Bit says that it lost or may lose logs, by log group and 5 minutes",
        "filter @message like /(?i)(cannot be retried|failed to flush chunk|overlimit|no upstream connections available)/\n\
         | stats count(*) as count by @log, bin(5m)";
    /// Time-outs and refused connections.
    Timeouts = "timeouts", "lines about time-outs and refused or reset connections, by log group and 5 minutes",
        "filter @message like /(?i)(timed out|timeout|ECONNREFUSED|connection refused|connection reset)/\n\
         | stats count(*) as count by @log, bin(5m)";
    /// Traces of missing memory.
    OutOfMemory = "out-of-memory", "lines in which a runtime says that memory ran out, by log group and 5 minutes",
        "filter @message like /(?i)(out of memory|OutOfMemory|OOMKilled|cannot allocate memory|MemoryError|heap limit)/\n\
         | stats count(*) as count by @log, bin(5m)";
}
