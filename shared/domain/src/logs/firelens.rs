//! The audit of `FireLens`: containers that log through a router, and the router itself.

use super::audit::{Findings, awslogs};
use super::definition::{ContainerLogging, LogDriver, TaskLogging, is_cloudwatch};
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
pub(super) fn driver(
    findings: &mut Findings<'_>,
    driver: &LogDriver,
    logging: &TaskLogging,
    region: &Region,
) {
    if findings.container.router.is_some() {
        findings.add(FindingKind::RouterThroughItself, "", awslogs(findings.container, region));
        return;
    }
    let router =
        logging.containers.iter().find_map(|container| Some((container, container.router.as_ref()?)));
    if router.is_none() {
        let own = ContainerLogging { name: "log_router".to_owned(), ..ContainerLogging::default() };
        let router = format!(
            "\"name\": \"log_router\",\n\"essential\": true,\n\"firelensConfiguration\": {{\"type\": \"fluentbit\"}},\n\
             \"image\": \"public.ecr.aws/aws-observability/aws-for-fluent-bit:stable\",\n{}",
            awslogs(&own, region)
        );
        findings.add(FindingKind::RouterMissing, "", router);
    }
    let wrong: Vec<&str> = driver.keys().filter(|key| key.starts_with("awslogs-")).collect();
    if !wrong.is_empty() {
        findings.add(FindingKind::AwslogsInFirelens, wrong.join(", "), renamed(driver, &wrong));
    }
    let key = if router.is_some_and(|(_, router)| router.kind == "fluentd") { "@type" } else { "Name" };
    match driver.option(key) {
        None => findings.add(FindingKind::OutputMissing, key, to_cloudwatch(findings.container, key, region)),
        Some(output) if !is_cloudwatch(output) => findings.add(FindingKind::NotQueryable, output, ""),
        Some(_) => {}
    }
    // ECS makes the container wait, unless the router waits for another.
    if let Some((router, _)) = router
        && !router.waits_for.is_empty()
        && !findings.container.waits_for.contains(&router.name)
    {
        let name = serde_json::json!(router.name);
        let remedy = format!("\"dependsOn\": [{{\"containerName\": {name}, \"condition\": \"START\"}}]");
        findings.add(FindingKind::RouterNotAwaited, "", remedy);
    }
}

/// What the router calls the options of `awslogs`, with their values; empty for options that it does
/// not have.
fn renamed(driver: &LogDriver, wrong: &[&str]) -> String {
    let right = |key: &&str| {
        let (_, right) = RENAMED.iter().find(|(awslogs, _)| awslogs == key)?;
        Some(format!("\"{right}\": {}", serde_json::json!(driver.option(key).unwrap_or_default())))
    };
    wrong.iter().filter_map(right).collect::<Vec<_>>().join(",\n")
}

/// Options that send the output to `CloudWatch` Logs.
fn to_cloudwatch(container: &ContainerLogging, key: &str, region: &Region) -> String {
    let prefix = serde_json::json!(format!("{}-", container.name));
    format!(
        "\"{key}\": \"cloudwatch_logs\",\n\"region\": \"{region}\",\n\"log_group_name\": \"/ecs/NAME\",\n\
         \"log_stream_prefix\": {prefix}\n\
         aws logs create-log-group --region {region} --log-group-name /ecs/NAME"
    )
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
