//! Keys of the objects in the bucket that belong to a target.

use jiff::Timestamp;

use super::{Platform, Run, RunKind, STAMP, Target, run_id};

impl Target {
    /// File name of the target, such as `eks-1-of-1`, in a folder of its account and Region.
    pub fn part_name(&self) -> String {
        let platform = match self.platform {
            Platform::Ecs => "",
            Platform::Eks => "eks-",
        };
        format!("{platform}{}-of-{}", self.part.index + 1, self.part.count)
    }

    /// Key of the cached inventory.
    pub fn inventory_key(&self) -> String {
        format!("inventory/{}/{}/{}.json.gz", self.account, self.region, self.part_name())
    }

    /// Key of the cached task definitions.
    pub fn task_definitions_key(&self) -> String {
        format!("inventory/{}/{}/{}.task-definitions.json.gz", self.account, self.region, self.part_name())
    }

    /// Key of the list of what runs, for queries of logs that start before it is read again.
    pub fn running_key(&self) -> String {
        format!("inventory/{}/{}/{}.running.json.gz", self.account, self.region, self.part_name())
    }

    /// Key of what was read about the logs of the target in one run.
    pub fn logs_key(&self, run: &Run) -> String {
        format!("logs/{}/{}.{}.{}.json", run.id, self.account, self.region, self.part_name())
    }

    /// Key of the queries of logs that were started for the target in one run.
    pub fn started_queries_key(&self, run: &Run) -> String {
        format!("logs/{}/{}.{}.{}.started.json", run.id, self.account, self.region, self.part_name())
    }

    /// Key of the results of the queries of logs.
    pub fn queries_key(&self, run: &Run) -> String {
        format!("logs/{}/{}.{}.{}.queries.json", run.id, self.account, self.region, self.part_name())
    }

    /// Key of the time up to which rules on logs were evaluated.
    pub fn evaluated_logs_key(&self) -> String {
        format!("outcomes/evaluated-logs/{}.{}.{}.json", self.account, self.region, self.part_name())
    }

    /// Key of the logs of the alarms that began.
    pub fn alarm_logs_key(&self, run: &Run) -> String {
        format!("logs/{}/{}.{}.{}.alarms.json", run.id, self.account, self.region, self.part_name())
    }

    /// Key of the list of clusters that the last sweep found.
    pub fn known_clusters_key(&self) -> String {
        format!("clusters/{}/{}/{}.json", self.account, self.region, self.part_name())
    }

    /// Key of the snapshot of one run. `dt=` partitions by date for Athena and `DuckDB`.
    pub fn snapshot_key(&self, run: &Run) -> String {
        let date = run.time.strftime("%Y-%m-%d");
        let Self { account, region, .. } = self;
        format!(
            "snapshots/dt={date}/account={account}/region={region}/{}.{}.ndjson.gz",
            run.id,
            self.part_name()
        )
    }

    /// Prefix of the snapshot keys of alarms runs on the day of this instant.
    pub fn snapshots_of_alarms(&self, day: Timestamp) -> String {
        let Self { account, region, .. } = self;
        format!("snapshots/dt={}/account={account}/region={region}/alarms-", day.strftime("%Y-%m-%d"))
    }

    /// Prefix of the snapshot key of an alarms run at this time; keys of later runs sort after it.
    pub fn snapshots_of_alarms_at(&self, time: Timestamp) -> String {
        format!("{}{}", self.snapshots_of_alarms(time), time.strftime(STAMP))
    }

    /// Time of the alarms run whose snapshot of this target has that key; `None` if the key belongs
    /// to another target.
    pub fn time_of_snapshot(&self, key: &str) -> Option<Timestamp> {
        let (_, name) = key.rsplit_once("/alarms-")?;
        let stamp = name.strip_suffix(&format!(".{}.ndjson.gz", self.part_name()))?;
        jiff::civil::DateTime::strptime(STAMP, stamp)
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|t| t.timestamp())
    }

    /// Key of the outcome of one run.
    pub fn outcome_key(&self, run: &Run) -> String {
        self.outcome_of(&run.id)
    }

    /// Key prefix under which an unfinished sweep or rollback stores its results so far.
    pub fn outcome_of_passes(&self, run: &Run) -> String {
        format!("{}.until-", self.outcome_key(run))
    }

    /// Key of the outcome of the alarms run at this time.
    pub fn outcome_of_alarms_at(&self, time: Timestamp) -> String {
        self.outcome_of(&run_id(RunKind::Alarms, time))
    }

    fn outcome_of(&self, run: &str) -> String {
        format!("outcomes/{run}/{}.{}.{}.json", self.account, self.region, self.part_name())
    }
}
