//! Figures in docs/performance.md that are independent of the machine: how often the functions make
//! calls. README.md computes with them.

use std::collections::BTreeMap;

use fake_aws::FakeAws;
use function_tests::{Stack, assert_made, minute, shop};

/// The columns, and the operations of S3 and DynamoDB that each counts: those that AWS bills alike.
const BILLED: [(&str, &[&str]); 4] = [
    ("S3 reads", &["s3:GetObject"]),
    ("S3 writes and lists", &["s3:PutObject", "s3:ListObjectsV2"]),
    ("DynamoDB reads", &["dynamodb:Query", "dynamodb:GetItem"]),
    ("DynamoDB writes", &["dynamodb:PutItem"]),
];

/// Issue 14, point 10: README.md stated $0.20 a month for S3, Lambda and DynamoDB together, an
/// unmeasured figure.
#[tokio::test(start_paused = true)]
async fn calls_of_an_hour_of_quiet_runs() {
    let stack = Stack::in_process(FakeAws::builder(shop(|_| 50.0)));
    stack.set("FARGAZE_LOOKBACK_MINUTES", "60");
    let mut runs = 0;
    for at in (0..120).step_by(5) {
        if at == 60 {
            stack.aws.reset_meter();
            runs = 0;
        }
        stack.run_line("alarms", minute(at)).await.receipt.unwrap();
        runs += 1;
    }
    assert!(stack.mails().is_empty(), "the hour is quiet");

    let mut functions: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let calls = stack.aws.meter().calls;
    for call in &calls {
        let function = functions.entry(call.app.trim_start_matches("fargaze-")).or_default();
        if !["s3:", "dynamodb:"].iter().any(|service| call.operation.starts_with(service)) {
            continue;
        }
        let billed = BILLED.iter().find(|(_, operations)| operations.contains(&call.operation.as_str()));
        *function.entry(billed.unwrap_or_else(|| panic!("{call} is in no column")).0).or_default() += 1;
    }
    let columns = BILLED.map(|(column, _)| column);
    let mut table = format!("| {runs} alarms runs | {} |\n|---|---|---|---|---|\n", columns.join(" | "));
    let rows = functions.iter().map(|(function, counts)| {
        let counts = columns.map(|column| counts.get(column).unwrap_or(&0).to_string());
        format!("| {function} | {} |\n", counts.join(" | "))
    });
    table.extend(rows);
    assert_made("performance.md", "calls of an hour", &table);
}
