//! Everything that the fake serves: the estates of accounts and Regions, and the home account's
//! stored data.

use std::collections::{BTreeMap, BTreeSet};

use crate::dynamodb::Table;
use crate::estate::Estate;
use crate::s3::Bucket;

/// A message that was published to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The topic.
    pub topic_arn: String,
    /// The subject, if there was one.
    pub subject: Option<String>,
    /// The message; with the structure `json`, one text for each protocol.
    pub message: String,
    /// `MessageStructure`, if there was one.
    pub structure: Option<String>,
    /// String values of the message attributes.
    pub attributes: BTreeMap<String, String>,
}

/// A message that was sent to a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The queue.
    pub queue_url: String,
    /// The message.
    pub body: String,
    /// Its delay.
    pub delay_seconds: u64,
}

/// The address and size of a stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Bytes of the newest version.
    pub bytes: usize,
    /// Number of versions ever put.
    pub versions: usize,
}

/// Everything that can be edited while the fake runs, see [`crate::FakeAws::edit`].
#[derive(Debug)]
pub struct World {
    home: (String, String),
    estates: BTreeMap<(String, String), Estate>,
    pub(crate) roles: BTreeMap<String, Option<String>>,
    pub(crate) topics: BTreeMap<String, Vec<(String, String)>>,
    pub(crate) published: Vec<Published>,
    pub(crate) queues: BTreeSet<String>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) s3: BTreeMap<String, Bucket>,
    pub(crate) tables: BTreeMap<String, Table>,
    serial: u64,
}

impl World {
    pub(crate) fn new(home: Estate) -> Self {
        let place = (home.account.clone(), home.region.clone());
        Self {
            home: place.clone(),
            estates: BTreeMap::from([(place, home)]),
            roles: BTreeMap::new(),
            topics: BTreeMap::new(),
            published: Vec::new(),
            queues: BTreeSet::new(),
            sent: Vec::new(),
            s3: BTreeMap::new(),
            tables: BTreeMap::new(),
            serial: 0,
        }
    }

    /// The estate of the account and Region; created empty if there is none.
    pub fn estate(&mut self, account: &str, region: &str) -> &mut Estate {
        self.estates
            .entry((account.to_owned(), region.to_owned()))
            .or_insert_with(|| Estate::new(account, region))
    }

    /// The estate with which the fake was started.
    pub fn home(&mut self) -> &mut Estate {
        let (account, region) = self.home.clone();
        self.estate(&account, &region)
    }

    /// Adds an estate, or replaces the one of its account and Region.
    pub fn add(&mut self, estate: Estate) {
        self.estates.insert((estate.account.clone(), estate.region.clone()), estate);
    }

    /// Creates an SNS topic in the home account and Region; returns its ARN.
    pub fn topic(&mut self, name: &str) -> String {
        let (account, region) = &self.home;
        let arn = format!("arn:aws:sns:{region}:{account}:{name}");
        self.topics.entry(arn.clone()).or_default();
        arn
    }

    /// Adds a confirmed subscription to a topic, for `ListSubscriptionsByTopic`.
    pub fn subscribe(&mut self, topic_arn: &str, protocol: &str, endpoint: &str) {
        let topic = self.topics.entry(topic_arn.to_owned()).or_default();
        topic.push((protocol.to_owned(), endpoint.to_owned()));
    }

    /// Creates an SQS queue in the home account and Region; returns its URL.
    pub fn queue(&mut self, name: &str) -> String {
        let (account, region) = &self.home;
        let url = format!("https://sqs.{region}.amazonaws.com/{account}/{name}");
        self.queues.insert(url.clone());
        url
    }

    /// Creates a role for `AssumeRole`, with the required external id, if any.
    pub fn role(&mut self, arn: &str, external_id: Option<&str>) {
        self.roles.insert(arn.to_owned(), external_id.map(str::to_owned));
    }

    /// Creates a DynamoDB table in the home account and Region, with the string keys `pk` and `sk`.
    pub fn table(&mut self, name: &str) {
        self.table_keyed(name, "pk", Some("sk"));
    }

    /// Creates a DynamoDB table with other names for its string keys, or without a sort key.
    pub fn table_keyed(&mut self, name: &str, partition: &str, sort: Option<&str>) {
        self.tables.entry(name.to_owned()).or_insert_with(|| Table::new(partition, sort));
    }

    /// Puts an item in DynamoDB JSON into a table, without a call.
    ///
    /// # Panics
    ///
    /// If there is no table of this name, or the item lacks a key.
    pub fn put_item(&mut self, table: &str, item: &serde_json::Value) {
        let table = self.tables.get_mut(table).expect("the table");
        table.insert(item);
    }

    /// Creates an S3 bucket, with versioning, in the home account and Region.
    pub fn bucket(&mut self, name: &str) {
        self.s3.entry(name.to_owned()).or_default();
    }

    pub(crate) fn is_home(&self, account: &str, region: &str) -> bool {
        self.home.0 == account && self.home.1 == region
    }

    pub(crate) fn is_home_account(&self, account: &str) -> bool {
        self.home.0 == account
    }

    /// A number unique to each call.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}
