//! Incidents of tasks, services and pods in the stack's table: batches of events, compressed.
//!
//! One item per batch costs a hundredth of one per event, and less than an object in the bucket
//! (docs/causes.md has the comparison). Items are found by when they were received, which is never
//! before what they report happened.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use fargaze::deaths::{Archive, Incident, IncidentKind, KEEP};
use fargaze::model::cluster::{AccountId, Region};
use fargaze::model::fault::Fault;
use fargaze::model::operation::Operation;
use fargaze::model::run::Target;
use jiff::{SignedDuration, Timestamp};

use super::memory::{Item, Memory, get, number, text, unreadable_item};
use super::pages::Pages;
use super::sdk_error::fault;

/// Most incidents of an item, and most bytes: DynamoDB takes 400 KB.
const MOST: usize = 500;
const MOST_BYTES: usize = 300_000;
/// Most incidents that are read at once: some 150 MB. The newest are read.
const MOST_READ: usize = 150_000;
/// Sort key of the item that says since when events arrive. It sorts after all times.
const FIRST: &str = "first";
/// Prefix of the sort keys of announced retirements, which also sort after all times.
const DUE: &str = "due#";
/// How long an announced retirement is kept after its date.
const KEEP_DUE: SignedDuration = SignedDuration::from_hours(24);

/// Incidents of an account and Region.
#[derive(Debug, Clone, Default)]
pub struct StoredIncidents {
    /// The incidents.
    pub archive: Archive,
    /// Since when events arrive; `None` if none ever did.
    pub since: Option<Timestamp>,
    /// Batches that could not be read.
    pub unreadable: Vec<Fault>,
    /// There were too many: those before this time were not read.
    pub cut_at: Option<Timestamp>,
}

impl Memory {
    /// Stores incidents that were received at that time (`PutItem`, one for up to 500). The same
    /// incidents at the same time are the same items.
    pub async fn keep_incidents(
        &self,
        account: &AccountId,
        region: &Region,
        incidents: &[Incident],
        received: Timestamp,
    ) -> Result<(), Fault> {
        let partition = partition(account, region);
        let is_due = |incident: &Incident| match incident.kind {
            IncidentKind::Retirement { due, .. } => Some(due),
            _ => None,
        };
        let happened: Vec<Incident> =
            incidents.iter().filter(|incident| is_due(incident).is_none()).cloned().collect();
        // AWS Health also tells of Regions from where no other events arrive.
        if let Some(first) = happened.iter().map(|incident| incident.at).min() {
            self.note_first(&partition, first.min(received)).await?;
        }
        for chunk in happened.chunks(MOST) {
            self.put_batch(&partition, &second(received), received + KEEP, chunk).await?;
        }
        for incident in incidents {
            if let Some(due) = is_due(incident) {
                let key = format!("{DUE}{}", second(due));
                self.put_batch(&partition, &key, due + KEEP_DUE, std::slice::from_ref(incident)).await?;
            }
        }
        Ok(())
    }

    /// Reads the incidents that were received since then, and announced retirements (`Query`, every
    /// page, eventually consistent: a batch of this second counts in the next run).
    pub async fn incidents(&self, target: &Target, since: Timestamp) -> Result<StoredIncidents, Fault> {
        const OPERATION: Operation = Operation::DynamodbQuery;
        let partition = partition(&target.account, &target.region);
        let (mut stored, mut from) = (StoredIncidents::default(), None);
        let mut pages = Pages::of(OPERATION, &partition);
        loop {
            let request = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk >= :since")
                .expression_attribute_values(":pk", text(&partition))
                .expression_attribute_values(":since", text(second(since)))
                .scan_index_forward(false)
                .set_exclusive_start_key(from.take());
            let page = request.send().await.map_err(|error| fault(OPERATION, &partition, &error))?;
            let key = |item: &Item| get(item, "sk").unwrap_or_default();
            let last = page.last_evaluated_key().map(key);
            let more = pages.next(page.items().iter().map(key), last.as_deref())?.is_some();
            page.items().iter().for_each(|item| stored.take(item));
            if more && stored.archive.len() > MOST_READ {
                stored.cut_at =
                    page.items().last().and_then(|item| key(item).split('#').next()?.parse().ok());
                return Ok(stored);
            }
            if !more {
                return Ok(stored);
            }
            from = page.last_evaluated_key;
        }
    }

    /// Notes since when events arrive, the first time.
    async fn note_first(&self, partition: &str, since: Timestamp) -> Result<(), Fault> {
        let item = HashMap::from([
            ("pk".to_owned(), text(partition)),
            ("sk".to_owned(), text(FIRST)),
            ("time".to_owned(), text(second(since))),
        ]);
        self.put_if(item, "attribute_not_exists(pk)", None, partition).await.map(|_| ())
    }

    async fn put_batch(
        &self,
        partition: &str,
        key: &str,
        expires: Timestamp,
        incidents: &[Incident],
    ) -> Result<(), Fault> {
        const OPERATION: Operation = Operation::DynamodbPutItem;
        let bytes =
            Archive::pack(incidents).map_err(|error| Fault::bug(OPERATION, partition, error.to_string()))?;
        if bytes.len() > MOST_BYTES && incidents.len() > 1 {
            let (first, rest) = incidents.split_at(incidents.len() / 2);
            Box::pin(self.put_batch(partition, key, expires, first)).await?;
            return Box::pin(self.put_batch(partition, key, expires, rest)).await;
        }
        let item = HashMap::from([
            ("pk".to_owned(), text(partition)),
            ("sk".to_owned(), text(format!("{key}#{:016x}", fingerprint(&bytes)))),
            ("incidents".to_owned(), AttributeValue::B(Blob::new(bytes))),
            ("expires".to_owned(), number(expires.as_second())),
        ]);
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(|error| fault(OPERATION, partition, &error))
    }
}

impl StoredIncidents {
    fn take(&mut self, item: &Item) {
        let read = || -> Result<(), String> {
            let key = get(item, "sk")?;
            if key == FIRST {
                let time = get(item, "time")?;
                self.since = Some(time.parse().map_err(|error| format!("attribute `time`: {error}"))?);
                return Ok(());
            }
            let bytes = item.get("incidents").and_then(|value| value.as_b().ok());
            let bytes = bytes.ok_or_else(|| "attribute `incidents` is missing".to_owned())?;
            self.archive.unpack(bytes.as_ref()).map_err(|error| format!("attribute `incidents`: {error}"))
        };
        let mut read = read;
        if let Err(why) = read() {
            self.unreadable.push(unreadable_item(item, why));
        }
    }
}

fn partition(account: &AccountId, region: &Region) -> String {
    format!("EVENTS#{account}#{region}")
}

/// In whole seconds, so that texts sort like times.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// FNV-1a: the same bytes get the same key.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
