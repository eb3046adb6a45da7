//! The audit of `FireLens`: containers that log through a router, and the router itself.

use super::audit::{Findings, awslogs};
use super::definition::{LogDriver, TaskLogging, is_cloudwatch};
use super::finding::FindingKind;
use crate::model::cluster::Region;

/// Options of `awslogs`, and what they are called for the output plugin `cloudwatch_logs` of Fluent
/// Bit.
const RENAMED: [(&str, &str); 4] = [
    ("awslogs-group", "log_group_name"),
    ("awslogs-region", "region"),
    ("awslogs-stream-prefix", "log_stream_prefix"),
    ("awslogs-create-group", "auto_create_group"),
];

/// A container with the driver `awsfirelens`.
pub(super) fn driver(findings: &mut Findings<'_>, driver: &LogDriver, logging: &TaskLogging) {
    if findings.container.router.is_some() {
        findings.add(FindingKind::RouterThroughItself, "", "");
        return;
    }
    let routers = || logging.containers.iter().filter(|container| container.router.is_some());
    if routers().next().is_none() {
        let router = "{\"name\": \"log_router\", \"essential\": true, \"firelensConfiguration\": {\"type\": \"fluentbit\"},\n \
                      \"image\": \"public.ecr.aws/aws-observability/aws-for-fluent-bit:stable\"}";
        findings.add(FindingKind::RouterMissing, "", router);
    }
    let wrong: Vec<&str> = driver.keys().filter(|key| key.starts_with("awslogs-")).collect();
    if !wrong.is_empty() {
        let right = |key: &&str| {
            RENAMED.iter().find(|(awslogs, _)| awslogs == key).map_or(String::new(), |(_, right)| {
                let value = driver.option(key).unwrap_or_default();
                format!("\"{right}\": {}", serde_json::json!(value))
            })
        };
        let lines: Vec<String> = wrong.iter().map(right).filter(|line| !line.is_empty()).collect();
        let remedy = format!("\"Name\": \"cloudwatch_logs\",\n{}", lines.join(",\n"));
        findings.add(FindingKind::AwslogsInFirelens, wrong.join(", "), remedy);
    }
    match driver.output() {
        None => findings.add(FindingKind::OutputMissing, "Name", "\"Name\": \"cloudwatch_logs\""),
        Some(output) if !is_cloudwatch(output) => findings.add(FindingKind::NotQueryable, output, ""),
        Some(_) => {}
    }
    let waits = routers().any(|router| findings.container.waits_for.contains(&router.name));
    if let Some(router) = routers().next().filter(|_| !waits) {
        let name = serde_json::json!(router.name);
        let remedy = format!("\"dependsOn\": [{{\"containerName\": {name}, \"condition\": \"START\"}}]");
        findings.add(FindingKind::RouterNotAwaited, "", remedy);
    }
}

/// The router, if the container is one.
pub(super) fn router(findings: &mut Findings<'_>, region: &Region) {
    let container = findings.container;
    let Some(router) = &container.router else { return };
    if container.driver.is_none() {
        findings.add(FindingKind::RouterWithoutLogs, "", awslogs(container, region));
    }
    if !container.essential {
        findings.add(FindingKind::RouterNotEssential, "", "\"essential\": true");
    }
    if router.config_file_type.as_deref() == Some("s3") {
        findings.add(FindingKind::RouterConfigInS3, "config-file-type s3", "\"config-file-type\": \"file\"");
    }
    if router.kind == "fluentd" {
        findings.add(FindingKind::Fluentd, "", "\"type\": \"fluentbit\"");
    }
}
