//! Checks the `ConfigMap` that configures Fargate's log forwarding (Amazon EKS User Guide, "Start
//! AWS Fargate logging for your cluster"). If it is invalid, no logs are forwarded, and only an
//! annotation on the pods says so.

mod sections;

use std::collections::BTreeMap;
use std::fmt;

use crate::text::nearest::hint;
use sections::{Section, parse};

/// Namespace of the `ConfigMap`, and the key of the label that the namespace must have.
pub const NAMESPACE: &str = "aws-observability";
/// Name of the `ConfigMap`.
pub const CONFIG_MAP: &str = "aws-logging";

/// Maximum number of characters in all its values together.
const MOST_CHARACTERS: usize = 5300;
const KEYS: [&str; 4] = ["output.conf", "filters.conf", "parsers.conf", "flb_log_cw"];
const FILTERS: [&str; 8] =
    ["grep", "parser", "record_modifier", "rewrite_tag", "throttle", "nest", "modify", "kubernetes"];
const OUTPUTS: [&str; 6] = ["es", "firehose", "kinesis_firehose", "cloudwatch", "cloudwatch_logs", "kinesis"];
/// Keys of the filter `kubernetes` that users must not set, because they would give it access to
/// other data.
const KUBERNETES_KEYS: [&str; 4] = ["Kube_URL", "Kube_CA_File", "Kube_Token_Command", "Kube_Token_File"];

/// Allowed content of a file in the `ConfigMap`.
struct File {
    key: &'static str,
    section: &'static str,
    required: [&'static str; 2],
    names: Option<&'static [&'static str]>,
}

const FILES: [File; 3] = [
    File { key: "output.conf", section: "OUTPUT", required: ["Name", "Match"], names: Some(&OUTPUTS) },
    File { key: "filters.conf", section: "FILTER", required: ["Name", "Match"], names: Some(&FILTERS) },
    File { key: "parsers.conf", section: "PARSER", required: ["Name", "Format"], names: None },
];

/// A violated rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key of the `ConfigMap`, such as `output.conf`; empty if it concerns the whole.
    pub key: String,
    /// Line in the value of that key, from 1, if it concerns a line.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// Remedy.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.key.is_empty() { CONFIG_MAP } else { &self.key };
        let line = self.line.map_or(String::new(), |line| format!(", line {line}"));
        write!(f, "{place}{line}: {}; {}", self.what, self.remedy)
    }
}

/// All violated rules; empty if Fargate accepts the configuration. `namespace_labels` are the
/// labels of [`NAMESPACE`], `data` the values of [`CONFIG_MAP`]. A correction only affects pods
/// that are created afterwards.
pub fn check(namespace_labels: &BTreeMap<String, String>, data: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut found = Problems(Vec::new());
    if namespace_labels.get(NAMESPACE).is_none_or(|value| value != "enabled") {
        let what = format!("the namespace {NAMESPACE} does not have the label `{NAMESPACE}: enabled`");
        found.push("", None, what, format!("add the label {NAMESPACE}=enabled"));
    }
    let characters: usize = data.values().map(|text| text.chars().count()).sum();
    if characters > MOST_CHARACTERS {
        let what = format!("it has {characters} characters, but at most {MOST_CHARACTERS} are allowed");
        found.push("", None, what, "remove comments, filters or outputs".to_owned());
    }
    for key in data.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        found.push(key, None, format!("`{key}` is not a known key"), hint(key, &KEYS));
    }
    for file in &FILES {
        if let Some(text) = data.get(file.key) {
            found.check_file(file, text);
        }
    }
    if !data.contains_key("output.conf") {
        let remedy = "add it with an [OUTPUT] section".to_owned();
        found.push("output.conf", None, "the key is missing".to_owned(), remedy);
    }
    if let Some(value) = data.get("flb_log_cw").filter(|value| !matches!(value.trim(), "true" | "false")) {
        let what = format!("its value is {value:?}");
        found.push("flb_log_cw", None, what, "write \"true\" or \"false\", in quotes".to_owned());
    }
    found.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn push(&mut self, key: &str, line: Option<usize>, what: String, remedy: String) {
        self.0.push(Problem { key: key.to_owned(), line, what, remedy });
    }

    fn check_file(&mut self, file: &File, text: &str) {
        let parsed = parse(text);
        for fault in &parsed.faults {
            self.push(file.key, Some(fault.line), fault.what.to_string(), fault.what.remedy().to_owned());
        }
        let sections = parsed.sections;
        for (line, stray) in parsed.strays {
            let remedy =
                format!("move it below [{}]; only sections and their entries are read", file.section);
            self.push(file.key, Some(line), format!("`{stray}` is not in a section"), remedy);
        }
        for (line, _) in (1..).zip(text.lines()).filter(|(_, line)| is_environment(line)) {
            let remedy = "write the value itself".to_owned();
            self.push(file.key, Some(line), "a variable `${...}` is not allowed".to_owned(), remedy);
        }
        if file.key == "output.conf" && !sections.iter().any(|section| section.is(file.section)) {
            let remedy = "add one with the output to send the logs to".to_owned();
            self.push(file.key, None, "there is no [OUTPUT] section".to_owned(), remedy);
        }
        for section in &sections {
            if section.is(file.section) {
                self.check_section(file, section);
            } else {
                self.misplaced(file, section);
            }
        }
    }

    /// Reports a section that is not allowed in this file.
    fn misplaced(&mut self, file: &File, section: &Section<'_>) {
        let remedy = if section.is("INPUT") || section.is("SERVICE") {
            "remove it; Fargate provides it".to_owned()
        } else if let Some(home) = FILES.iter().find(|home| section.is(home.section)) {
            format!("move it to {}", home.key)
        } else {
            hint(section.name, &[file.section])
        };
        let what = format!("[{}] is not allowed here", section.name);
        self.push(file.key, Some(section.line), what, remedy);
    }

    fn check_section(&mut self, file: &File, section: &Section<'_>) {
        for key in file.required {
            if section.get(key).is_none() {
                let what = format!("[{}] has no {key}", section.name);
                self.push(file.key, Some(section.line), what, format!("add `{key}` with a value"));
            }
        }
        let (Some(name), Some(known)) =
            (section.get("Name").filter(|name| !name.value.is_empty()), file.names)
        else {
            return;
        };
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name.value)) {
            let what = format!("`{}` is not allowed in [{}]", name.value, section.name);
            self.push(file.key, Some(name.line), what, hint(name.value, known));
        }
        if name.value.eq_ignore_ascii_case("kubernetes") {
            self.check_kubernetes(file, section);
        }
    }

    fn check_kubernetes(&mut self, file: &File, section: &Section<'_>) {
        for entry in &section.entries {
            if KUBERNETES_KEYS.iter().any(|key| key.eq_ignore_ascii_case(entry.key)) {
                let what = format!("`{}` is not allowed in the filter kubernetes", entry.key);
                self.push(file.key, Some(entry.line), what, "remove it; Fargate sets it".to_owned());
            }
        }
    }
}

fn is_environment(line: &str) -> bool {
    let line = line.trim_start();
    !line.starts_with('#') && line.split_once("${").is_some_and(|(_, rest)| rest.contains('}'))
}

/// Destinations of the logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Names of all outputs in order, such as `cloudwatch_logs`.
    pub names: Vec<String>,
    /// Their CloudWatch log groups, without duplicates.
    pub log_groups: Vec<String>,
}

impl Outputs {
    /// Reads the outputs from the values of [`CONFIG_MAP`], whether they are valid or not.
    pub fn read(data: &BTreeMap<String, String>) -> Self {
        let mut outputs = Self::default();
        let sections = parse(data.get("output.conf").map_or("", String::as_str)).sections;
        for section in sections.iter().filter(|section| section.is("OUTPUT")) {
            let Some(name) = section.get("Name").map(|entry| entry.value.to_lowercase()) else { continue };
            let group = section.get("log_group_name").map(|entry| entry.value.to_owned());
            let is_cloudwatch = matches!(name.as_str(), "cloudwatch" | "cloudwatch_logs");
            outputs.names.push(name);
            match group {
                Some(group) if is_cloudwatch && !group.is_empty() && !outputs.log_groups.contains(&group) => {
                    outputs.log_groups.push(group);
                }
                _ => {}
            }
        }
        outputs
    }
}
