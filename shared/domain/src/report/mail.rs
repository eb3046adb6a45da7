//! The mail: the fleet in five lines, then what a person should know, with a link to the rest.

use super::compact::{attributes, compact};
use super::link::ReportLink;
use super::model::Report;
use super::section::View;
use super::sections::SECTIONS;
use super::subject::subject;
use crate::text::message::Message;
use crate::text::words::wrap;

/// The message of a report run. It is always sent, so that a missing report is noticed.
pub fn report_mail(report: &Report, link: &ReportLink) -> Message {
    let view = View::of(report);
    let sections = SECTIONS.iter().filter_map(|section| {
        let lines = Some(section.mail(&view)).filter(|lines| !lines.is_empty())?;
        Some(format!("{}\n{lines}", section.mail_heading(report)))
    });
    let body: Vec<String> = sections.chain([linked(report, link)]).collect();
    Message::new(&subject(report), &body.join("\n"), &compact(report, link), attributes(report))
}

fn linked(report: &Report, link: &ReportLink) -> String {
    let ReportLink { url, kept_until, bucket, key } = link;
    let until = kept_until.strftime("%Y-%m-%d");
    let opens = match url {
        Some(_) => {
            format!("The link opens the page in the S3 console for anyone who may read the bucket {bucket}")
        }
        None => format!("Anyone who may read the bucket {bucket} can open the page there"),
    };
    let text = format!(
        "The full report, with charts and every service. {opens}, until {until}, when the bucket deletes it."
    );
    let url = url.as_ref().map(|url| format!("  {url}\n")).unwrap_or_default();
    let kept = format!("Key: {key}; the JSON version is next to it. Run {}.", report.run);
    format!("REPORT\n{}{url}{}", wrap(&text, 2), wrap(&kept, 2))
}
