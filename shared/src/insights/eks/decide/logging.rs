//! The logging of Fargate pods.

use std::collections::BTreeMap;

use super::super::super::ChangeState;
use super::{Case, CostNote, EksAction, EksAspect, EksState, EksStep};
use crate::insights::eks::{Asked, AwsLogging, AwsLoggingWish, EksRemedy, LoggingNamespace};

const ASPECT: EksAspect = EksAspect::AwsLogging;

/// For a namespace that goes, with all that is in it.
const TERMINATING: &str = "its namespace aws-observability is being deleted, so nothing can be made in it; wait until it is \
                           gone, then apply the YAML in docs/insights.md, which makes it again; if it does not go, see what holds it";

impl Case<'_> {
    pub(super) fn aws_logging(&self) -> EksStep {
        let wish = &self.wished.wishes.aws_logging;
        if *wish == AwsLoggingWish::Leave {
            return self.left(ASPECT);
        }
        match &self.observed.profiles {
            Asked::Unread(fault) => return EksStep::unknown(ASPECT, fault),
            Asked::Known(profiles) if profiles.is_empty() => {
                return EksStep::new(ASPECT, EksAction::Leave, "it has no Fargate profile");
            }
            Asked::Known(_) => {}
        }
        let (namespace, config_map, problems) = match &self.observed.logging {
            AwsLogging::NotAsked => {
                return EksStep::new(ASPECT, EksAction::Leave, "its Kubernetes API was not asked");
            }
            AwsLogging::Unread(fault) => return EksStep::unknown(ASPECT, fault),
            AwsLogging::Known { namespace, config_map, problems } => (namespace, config_map, problems),
        };
        match (config_map, wish) {
            (Some(data), AwsLoggingWish::Write(wanted)) if data != wanted && self.is_ours(data) => {
                self.write(namespace, wanted)
            }
            (Some(data), _) => self.is_there(namespace, data, problems),
            (None, AwsLoggingWish::Write(wanted)) => self.write(namespace, wanted),
            (None, _) => {
                let placed = self.wished.placed(ASPECT);
                let reason = format!(
                    "there is none, so no log of its Fargate pods is forwarded; its wish is {placed}; to \
                     have one written, give aws-logging an output.conf"
                );
                report(reason).costing(CostNote::PodLogs)
            }
        }
    }

    /// Whether the `ConfigMap` is as we wrote it last.
    fn is_ours(&self, data: &BTreeMap<String, String>) -> bool {
        let made = self.changes(ASPECT).iter().rfind(|change| change.state == ChangeState::Done);
        made.is_some_and(|change| change.to == EksState::ConfigMap(data.clone()))
    }

    fn write(&self, namespace: &LoggingNamespace, wanted: &BTreeMap<String, String>) -> EksStep {
        let step = self.change(ASPECT, EksState::ConfigMap(wanted.clone())).costing(CostNote::PodLogs);
        match namespace {
            LoggingNamespace::NotEnabled(label) => {
                step.blocked_by(&unlabelled(label.as_deref()), EksRemedy::Label)
            }
            LoggingNamespace::Terminating => step.blocked_by(TERMINATING, EksRemedy::Namespace),
            LoggingNamespace::Missing | LoggingNamespace::Enabled => step,
        }
    }

    fn is_there(
        &self,
        namespace: &LoggingNamespace,
        data: &BTreeMap<String, String>,
        problems: &[String],
    ) -> EksStep {
        let (label, remedy) = match namespace {
            LoggingNamespace::NotEnabled(label) => {
                (Some(unlabelled(label.as_deref())), Some(EksRemedy::Label))
            }
            LoggingNamespace::Terminating => (Some(TERMINATING.to_owned()), Some(EksRemedy::Namespace)),
            LoggingNamespace::Missing | LoggingNamespace::Enabled => (None, None),
        };
        let data_is_bad =
            (!problems.is_empty()).then(|| format!("Fargate does not accept it: {}", problems.join("; ")));
        let wrong: Vec<String> = label.into_iter().chain(data_is_bad).collect();
        if !wrong.is_empty() {
            return EksStep { remedy, ..report(wrong.join("; ")) };
        }
        let placed = self.wished.placed(ASPECT);
        if let AwsLoggingWish::Write(wanted) = &self.wished.wishes.aws_logging
            && wanted != data
        {
            return report(format!(
                "there is one that others wrote, which fargaze never overwrites; its wish is {placed}"
            ));
        }
        EksStep::new(ASPECT, EksAction::Right, format!("it is there and good; its wish is {placed}"))
    }
}

fn report(reason: impl Into<String>) -> EksStep {
    EksStep::new(ASPECT, EksAction::Report, reason)
}

fn unlabelled(label: Option<&str>) -> String {
    let has = label.map_or_else(|| "lacks the label".to_owned(), |label| format!("has the value {label} of"));
    format!(
        "others made the namespace aws-observability, and it {has} aws-observability, so Fargate does not look there; give it \
         the label aws-observability=enabled"
    )
}
