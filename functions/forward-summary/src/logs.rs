//! What `collect-logs` has found for the message of an alarms run. Without it the message says less,
//! and is sent all the same.

use std::collections::BTreeMap;

use fargaze::alarms::NoticeKind;
use fargaze::logs::TargetQueries;
use fargaze::logs::excerpt::LogsOfAlarms;
use fargaze::model::run::Run;
use fargaze::notify::DigestLogs;
use fargaze::outcome::TargetResult;
use fargaze_aws::Store;
use futures_util::{StreamExt, stream};

/// Objects read at once.
const AT_ONCE: usize = 16;

/// The logs of alarms that began, and what saved queries found, in the targets with notices.
pub(crate) async fn of_alarms(store: &Store, run: &Run, results: &[TargetResult]) -> DigestLogs {
    let with_notices =
        results.iter().filter(|result| result.outcome().is_some_and(|outcome| !outcome.notices().is_empty()));
    let reads = with_notices.map(|result| async move {
        let target = &result.target;
        let began = result
            .outcome()
            .is_some_and(|outcome| outcome.notices().iter().any(|notice| notice.kind() == NoticeKind::Began));
        let (alarms_key, queries_key) = (target.alarm_logs_key(run), target.queries_key(run));
        let (alarms, queries) = tokio::join!(
            async { if began { store.get_json::<LogsOfAlarms>(&alarms_key).await } else { Ok(None) } },
            store.get_json::<TargetQueries>(&queries_key)
        );
        let alarms = alarms.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the logs of the alarms cannot be read");
            None
        });
        let queries = queries.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the results of the saved queries cannot be read");
            None
        });
        (target, alarms.unwrap_or_default(), queries)
    });
    let read: Vec<_> = stream::iter(reads.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
    let (mut alarms, mut found) = (BTreeMap::new(), Vec::new());
    for (target, of_alarms, queries) in read {
        alarms.extend(of_alarms.into_iter().map(|(id, logs)| ((target.to_string(), id), logs)));
        if let Some(TargetQueries::Asked(asked)) = queries {
            found.push((target.clone(), asked));
        }
    }
    DigestLogs { alarms, queries: found }
}
