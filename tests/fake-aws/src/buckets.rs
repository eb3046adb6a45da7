//! Token buckets at the rates that AWS publishes, per account and Region.
//!
//! ECS: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>;
//! CloudWatch:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html>

use std::collections::HashMap;
use std::time::Duration;

/// A token bucket that takes the time as a parameter, so that tests need not wait.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    quota: Quota,
    tokens: f64,
    at: Duration,
}

/// Capacity and refill rate of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// Calls that share a name share a bucket.
    pub name: &'static str,
    /// Tokens of a full bucket.
    pub burst: f64,
    /// Tokens a second.
    pub per_second: f64,
}

impl TokenBucket {
    /// A full bucket at time zero.
    pub fn new(quota: Quota) -> Self {
        Self { quota, tokens: quota.burst, at: Duration::ZERO }
    }

    /// Takes one token at time `now`; false if the bucket is empty.
    pub fn take(&mut self, now: Duration) -> bool {
        let flowed = now.saturating_sub(self.at).as_secs_f64() * self.quota.per_second;
        self.tokens = (self.tokens + flowed).min(self.quota.burst);
        self.at = self.at.max(now);
        // Slightly less than one token counts as one: the sum of many small refills must not lose a
        // call to rounding.
        let granted = self.tokens >= 1.0 - 1e-9;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

/// The published quota of an operation such as `ecs:ListClusters`, if there is one.
pub fn published_quota(operation: &str) -> Option<Quota> {
    let (name, burst, per_second) = match operation {
        "ecs:ListClusters" | "ecs:DescribeClusters" => ("ecs cluster read", 50.0, 20.0),
        "ecs:ListServices" | "ecs:DescribeServices" => ("ecs service read", 100.0, 20.0),
        "ecs:CreateCluster" | "ecs:UpdateClusterSettings" => ("ecs cluster modify", 20.0, 1.0),
        "ecs:ListTasks" | "ecs:DescribeTasks" => ("ecs cluster resource read", 100.0, 20.0),
        "ecs:DescribeTaskDefinition" => ("ecs task definition read", 50.0, 20.0),
        "logs:DescribeLogGroups" => ("DescribeLogGroups", 10.0, 10.0),
        "logs:StartQuery" => ("StartQuery", 10.0, 10.0),
        "logs:GetQueryResults" => ("GetQueryResults", 10.0, 10.0),
        "logs:GetLogEvents" => ("GetLogEvents", 10.0, 10.0),
        "logs:FilterLogEvents" => ("FilterLogEvents", 5.0, 5.0),
        "ecs:PutAccountSettingDefault" => ("ecs account setting modify", 10.0, 1.0),
        "ecs:ListAccountSettings" => ("ecs account setting read", 50.0, 20.0),
        "cloudwatch:GetMetricData" => ("GetMetricData", 50.0, 50.0),
        "cloudwatch:GetMetricStatistics" => ("GetMetricStatistics", 400.0, 400.0),
        "cloudwatch:ListMetrics" => ("ListMetrics", 25.0, 25.0),
        _ => return None,
    };
    Some(Quota { name, burst, per_second })
}

/// All buckets of the fake; off by default.
#[derive(Debug)]
pub(crate) struct Buckets {
    on: bool,
    levels: HashMap<(String, String, &'static str), TokenBucket>,
}

impl Buckets {
    pub(crate) fn new(on: bool) -> Self {
        Self { on, levels: HashMap::new() }
    }

    /// Whether the call is within the quota.
    pub(crate) fn admit(&mut self, operation: &str, account: &str, region: &str, now: Duration) -> bool {
        let Some(quota) = self.on.then(|| published_quota(operation)).flatten() else {
            return true;
        };
        self.levels
            .entry((account.to_owned(), region.to_owned(), quota.name))
            .or_insert_with(|| TokenBucket { at: now, ..TokenBucket::new(quota) })
            .take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(bucket: &mut TokenBucket, calls: usize, at_ms: u64) -> usize {
        (0..calls).filter(|_| bucket.take(Duration::from_millis(at_ms))).count()
    }

    #[test]
    fn burst_then_refill_then_full_again() {
        let mut bucket = TokenBucket::new(published_quota("ecs:ListServices").unwrap());
        assert_eq!(granted(&mut bucket, 150, 0), 100);
        assert_eq!(granted(&mut bucket, 10, 49), 0);
        assert_eq!(granted(&mut bucket, 10, 50), 1);
        assert_eq!(granted(&mut bucket, 50, 1_050), 20);
        assert_eq!(granted(&mut bucket, 500, 3_600_000), 100);
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_and_takes_nothing() {
        let mut bucket = TokenBucket::new(published_quota("ecs:UpdateClusterSettings").unwrap());
        assert_eq!(granted(&mut bucket, 20, 10_000), 20);
        assert_eq!(granted(&mut bucket, 1, 5_000), 0);
        assert_eq!(granted(&mut bucket, 2, 11_000), 1);
    }

    #[test]
    fn four_hundred_service_reads_need_fifteen_seconds() {
        let mut bucket = TokenBucket::new(published_quota("ecs:DescribeServices").unwrap());
        let mut done = 0;
        let mut ms = 0;
        while done < 400 {
            done += granted(&mut bucket, 400 - done, ms);
            ms += 50;
        }
        assert_eq!(ms - 50, 15_000);
    }

    #[test]
    fn buckets_are_per_account_region_and_name() {
        let mut buckets = Buckets::new(true);
        let mut admit = |operation, region| {
            (0..60).filter(|_| buckets.admit(operation, "1", region, Duration::ZERO)).count()
        };
        assert_eq!(admit("ecs:ListClusters", "eu-west-1"), 50);
        assert_eq!(admit("ecs:DescribeClusters", "eu-west-1"), 0);
        assert_eq!(admit("ecs:ListClusters", "us-east-1"), 50);
        assert_eq!(admit("ecs:ListServices", "eu-west-1"), 60);
        assert_eq!(admit("ecs:ListTasks", "eu-west-1"), 60);
        assert_eq!(admit("ecs:DescribeTasks", "eu-west-1"), 40);
        assert_eq!(admit("ecs:PutAccountSettingDefault", "eu-west-1"), 10);
        assert_eq!(admit("ecs:ListAccountSettings", "eu-west-1"), 50);
        assert_eq!(admit("ecs:UpdateClusterSettings", "eu-west-1"), 20);
        assert_eq!(admit("sns:Publish", "eu-west-1"), 60);
    }
}
