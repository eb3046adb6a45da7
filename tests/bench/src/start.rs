//! From `exec` to the first request to the Runtime API: the cost of a cold start before the first
//! event.

use fake_aws::{Bootstrap, RuntimeApi};

use crate::process::{bootstrap, cpu_time, ms, peak_mebibytes, spread};

const STARTS: usize = 30;

const FUNCTIONS: [&str; 8] = [
    "plan-run",
    "collect-metrics",
    "collect-pods",
    "collect-logs",
    "evaluate-alarms",
    "forward-summary",
    "enable-insights",
    "keep-events",
];

/// All settings of all functions; each reads what it needs.
pub(crate) const SETTINGS: [(&str, &str); 12] = [
    ("FARGAZE_BUCKET", "bucket"),
    ("FARGAZE_TABLE", "table"),
    ("FARGAZE_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:topic"),
    ("FARGAZE_ACCOUNT", "123456789012"),
    ("FARGAZE_DELAY_SECONDS", "120"),
    ("FARGAZE_LOOKBACK_MINUTES", "60"),
    ("FARGAZE_ALARMS_SCHEDULE", "rate(5 minutes)"),
    ("FARGAZE_REPORT_DAYS", "1"),
    ("FARGAZE_STACK", "fargaze"),
    ("FARGAZE_REGION", "eu-west-1"),
    ("FARGAZE_ROLE_ARN", "arn:aws:iam::123456789012:role/fargaze-EnableInsightsRole-1A2B3C4D5E6F"),
    ("FARGAZE_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/fargaze-ClusterEvents"),
];

pub(crate) async fn measure() {
    println!("\n<!-- figures: start -->");
    println!("| function | binary MB | wall ms, median (min-max) | CPU ms | memory MiB |");
    println!("|---|---|---|---|---|");
    for function in FUNCTIONS {
        let path = bootstrap(function);
        let size = std::fs::metadata(&path).unwrap().len();
        let (mut walls, mut cpus, mut memories) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let runtime = RuntimeApi::start().await;
            let process = Bootstrap::spawn(&path, &SETTINGS, &runtime).unwrap();
            walls.push(ms(process.first_next().await.unwrap()));
            cpus.push(ms(cpu_time(process.pid())));
            memories.push(peak_mebibytes(process.pid()));
        }
        let (wall, fastest, slowest) = spread(walls);
        let (cpu, memory) = (spread(cpus).0, spread(memories).0);
        #[expect(clippy::cast_precision_loss, reason = "a binary has far fewer than 2^52 bytes")]
        let megabytes = size as f64 / 1e6;
        println!(
            "| {function} | {megabytes:.2} | {wall:.1} ({fastest:.1}-{slowest:.1}) | {cpu:.1} | {memory:.1} |"
        );
    }
    println!("<!-- end -->");
}
