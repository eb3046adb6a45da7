"""Limits and counts in the documents equal those of the code and the template."""

from __future__ import annotations

import re
import sys

import costs
import pytest
import yaml
from blocks import ROOT

sys.path.insert(0, str(ROOT / "tests" / "template"))
sys.path.insert(0, str(ROOT / "tests" / "stack"))
from template import Template

TEMPLATE = Template.of_project()
WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
         "fourteen", "fifteen", "sixteen"]
BENCH = "tests/bench/src"
KUBERNETES = "shared/kubernetes/src"

# Page, the figure there (in the group), source, the figure there, and the factor from the source's
# unit to the page's.
LIMITS = [
    # Limits and sizes of measurements.
    ("performance", r"continues are (\d+) calls", f"{BENCH}/collect.rs", r"MOST_CALLS: usize = (\d+)", 1),
    ("performance", r"calls, ([\d,]+) kB received", f"{BENCH}/collect.rs", r"MOST_RECEIVED: usize = ([\d_]+)", 1_000),
    ("performance", r"received, (\d+) MiB in a new", f"{BENCH}/collect.rs", r"MOST_MEBIBYTES: f64 = ([\d.]+)", 1),
    ("performance", r"The limits are (\d+) s and", f"{BENCH}/pods.rs", r"MOST_SECONDS: f64 = ([\d.]+)", 1),
    ("performance", r"s and (\d+) MiB, and the benchmark", f"{BENCH}/pods.rs", r"MOST_MEBIBYTES: f64 = ([\d.]+)", 1),
    ("performance", r"`collect-pods`: (\d+) clusters", f"{BENCH}/pods.rs", r"CLUSTERS: u64 = (\d+)", 1),
    ("performance", r"clusters of ([\d,]+) pods", f"{BENCH}/pods.rs", r"PODS: usize = ([\d_]+)", 1),
    ("performance", r"samples of (\w+) runs before", f"{BENCH}/pods.rs", r"BEFORE: i32 = (\d+)", 1),
    ("performance", r"`collect-logs`: ([\d,]+) services", f"{BENCH}/logs.rs", r"SERVICES: usize = ([\d_]+)", 1),
    ("performance", r"services, and (\d+) saved queries", f"{BENCH}/logs.rs", r"QUERIES: usize = (\d+)", 1),
    ("performance", r"saved queries over (\d+) log groups", f"{BENCH}/logs.rs", r"GROUPS: usize = (\d+)", 1),
    ("performance", r"at most (\w+) calls of ECS more", f"{BENCH}/logs.rs", r"MOST_CALLS: usize = (\d+)", 1),
    ("performance", r"\(`tests/fake-aws`\) at (\d+) ms a call", f"{BENCH}/collect.rs", r"LATENCY: \S+ = \S+from_millis\((\d+)", 1),
    ("performance", r"workloads, (\d+) ms a call of either", f"{BENCH}/pods.rs", r"LATENCY: \S+ = \S+from_millis\((\d+)", 1),
    ("performance", r"(\d+) starts each", f"{BENCH}/start.rs", r"STARTS: usize = (\d+)", 1),
    ("performance", r"(\d+) `ListServices` against", f"{BENCH}/throttle.rs", r"CALLS: usize = (\d+)", 1),
    ("performance", r"our bucket, (\d+) without", f"{BENCH}/throttle.rs", r"AT_ONCE: usize = (\d+)", 1),
    ("performance", r"(\d+) at once with our bucket", "shared/aws/src/ecs.rs", r"AT_ONCE: usize = (\d+)", 1),
    ("performance", r"([\d,]+) series of", "shared/domain/examples/judge.rs", r"SERIES: usize = ([\d_]+)", 1),
    ("performance", r"series of (\d+) points", "shared/domain/examples/judge.rs", r"POINTS: i64 = (\d+)", 1),
    ("performance", r"The limit is (\d+) ms", "shared/domain/examples/judge.rs", r"BUDGET: Duration = Duration::from_millis\((\d+)", 1),
    ("performance", r"The limits are (\d+) ms", "shared/domain/examples/render.rs", r"BUDGET: Duration = Duration::from_millis\((\d+)", 1),
    ("performance", r"ms, (\d+) MiB and 3 MB", "shared/domain/examples/render.rs", r"MOST_KIBIBYTES: u64 = ([\d* ]+)", 1_024),
    ("performance", r"MiB and (\d+) MB of page", "shared/domain/examples/render.rs", r"MOST_BYTES: usize = ([\d_]+)", 1_000_000),
    ("performance", r"plays ([\d,]+) runs", "tests/simulation/tests/simulation.rs", r"const RUNS: usize = ([\d_]+)", 1),
    ("performance", r"and (\d+) in worlds", "tests/simulation/tests/simulation.rs", r"RUNS_ON_EKS: usize = ([\d_]+)", 1),
    ("performance", r"with (\d+) % of all calls failing", "tests/simulation/src/main.rs", r"FAILING: i64 = (\d+)", 1),
    ("performance", r"for it within ([\d,]+) runs", "tests/simulation/bugs/run.py", r'else "(\d+)"', 1),
    # AWS calls.
    ("performance", r"bucket takes (\d+) %", "shared/aws/src/rate_limiter.rs", r"SHARE: f64 = ([\d.]+)", 0.01),
    ("architecture", r"at (\d+) % of the API's published quota", "shared/aws/src/rate_limiter.rs", r"SHARE: f64 = ([\d.]+)", 0.01),
    ("performance", r"6,000 / (\d+)⌉", "shared/domain/src/sources/batch.rs", r"QUERIES_PER_CALL: usize = (\d+)", 1),
    ("performance", r"checked every (\w+) minutes", "shared/domain/src/evidence/inventory.rs", r"CHECK_AFTER: SignedDuration = \S+from_mins\((\d+)", 1),
    ("architecture", r"(\w+) minutes before the end of that", "shared/domain/src/evidence/continuation/mod.rs", r"OVERLAP: \S+ = \S+\((\d+)", 1),
    ("architecture", r"requested from (\d+) minutes before", "shared/domain/src/evidence/continuation/mod.rs", r"NEAR: \S+ = \S+\((\d+)", 1),
    # Stored objects and their retention.
    ("architecture", r"may clear by itself, such as throttling, is reported after (\w+) minutes",
     "shared/domain/src/outcome/results.rs", r"PATIENCE: \S+ = \S+from_mins\((\d+)", 1),
    ("architecture", r"by which policy.*\| (\d+) days \|", "shared/aws/src/change_log.rs", r"KEEP: \S+ = \S+\(24 \* (\d+)", 1),
    ("delivery", r"is over, (\d+) days after", "shared/aws/src/memory.rs", r"KEEP_OPEN: \S+ = \S+\(24 \* (\d+)", 1),
    ("delivery", r"notified of a problem once, after (\d+) hours", "shared/domain/src/alarms/rule_observation.rs", r"GRACE: \S+ = \S+\((\d+)", 1),
    ("delivery", r"is cut at (\d+) KiB", "shared/domain/src/text/message/mod.rs", r"MAX_BODY: usize = ([\d* ]+)", 1_024),
    # Kubernetes.
    ("eks", r"pages of (\d+), gzipped", f"{KUBERNETES}/list.rs", r"PAGE: u32 = (\d+)", 1),
    ("eks", r"at most (\w+) requests at once", "functions/collect-pods/src/lib.rs", r"REQUESTS_AT_ONCE: usize = (\d+)", 1),
    ("eks", r"nothing arrives for (\d+) seconds is replaced", f"{KUBERNETES}/lib.rs", r"silence: Duration::from_secs\((\d+)", 1),
    ("eks", r"nothing arrives for (\d+) seconds is skipped", f"{KUBERNETES}/call.rs", r"KUBELET_SILENCE: \S+ = \S+\((\d+)", 1),
    ("eks", r"nodes of a cluster together have (\d+);", "functions/collect-pods/src/cadvisor.rs", r"PATIENCE: \S+ = \S+\((\d+)", 1),
    ("eks", r"has (\w+) seconds more than they take", "functions/collect-pods/src/usage.rs", r"AFTER_PODS: \S+ = \S+\((\d+)", 1),
    ("eks", r"prefers has (\w+) before", "functions/collect-pods/src/usage.rs", r"PER_VERSION: \S+ = \S+\((\d+)", 1),
    ("performance", r"(\w+) clusters at once instead", "functions/collect-pods/src/lib.rs", r"CLUSTERS_AT_ONCE: usize = (\d+)", 1),
    # Rules and the file.
    ("rules", r"up to (\d+) characters", "shared/domain/src/config/rules/check.rs", r"MAX_NAME: usize = (\d+)", 1),
    ("rules", r"evaluated, 1 to (\d+), together", "shared/domain/src/config/rules/mod.rs", r"MAX_EVALUATION_PERIODS: u32 = (\d+)", 1),
    ("rules", r"at most (\d+) hours apart", "shared/domain/src/alarms/grid.rs", r"JUDGED_BACK: \S+ = \S+\((\d+)", 1),
    ("rules", r"have no data: (\w+) more", "shared/domain/src/rules/condition.rs", r"EXTRA_PERIODS: usize = (\d+)", 1),
    ("configuration", r"at once; 1 to (\d+)\n", "shared/domain/src/config/targets.rs", r"MAX_PARTS: u32 = (\d+)", 1),
    ("configuration", r"may change, 1 to (\d+)", "shared/domain/src/config/policies/mod.rs", r"MAX_CHANGES: u32 = (\d+)", 1),
    # Logs.
    ("logs", r"at least (\w+) seconds after the metrics", "functions/collect-logs/src/answers.rs", r"LEAST: Duration = \S+from_secs\((\d+)", 1),
    ("logs", r"until (\d+) seconds after the start", "functions/collect-logs/src/start.rs", r"PATIENCE: Duration = \S+from_secs\((\d+)", 1),
    ("logs", r"within (\w+) seconds between evaluation", "functions/collect-logs/src/alarms.rs", r"PATIENCE: Duration = \S+from_secs\((\d+)", 1),
    ("logs", r"Only the first (\d+) alarms of a target", "functions/collect-logs/src/alarms.rs", r"MOST: usize = (\d+)", 1),
    ("logs", r"events or rows, at most ([\d,]+) \|", "functions/collect-logs/src/by_hand.rs", r"MOST: usize = ([\d_]+)", 1),
    ("logs", r"A file has at most (\d+) queries", "shared/domain/src/config/logs.rs", r"MOST_QUERIES: usize = (\d+)", 1),
    ("logs", r"takes at most (\d+) log groups", "shared/domain/src/logs/query/plan.rs", r"MOST_GROUPS: usize = (\d+)", 1),
    ("logs", r"at most (\d+) may match", "shared/domain/src/logs/query/plan.rs", r"MOST_GROUPS: usize = (\d+)", 1),
    ("logs", r"the first (\d+) rows of a table", "shared/domain/src/logs/query/result.rs", r"MOST_ROWS: usize = (\d+)", 1),
    ("logs", r"asks for up to ([\d,]+) rows", "shared/domain/src/logs/query/plan.rs", r" ROWS: u32 = ([\d_]+)", 1),
    ("logs", r"the (\d+) newest that it selects", "shared/domain/src/logs/excerpt.rs", r" LINES: usize = (\d+)", 1),
    ("logs", r"the last (\d+) of", "shared/domain/src/logs/excerpt.rs", r"LAST_LINES: usize = (\d+)", 1),
    ("logs", r"log groups \(at most (\w+)\)", "shared/domain/src/logs/excerpt.rs", r"LINK_GROUPS: usize = (\d+)", 1),
    ("logs", r"(\d+) minutes before the evaluated", "shared/domain/src/logs/excerpt.rs", r"BEFORE: \S+ = \S+\((\d+)", 1),
    ("logs", r"periods to (\d+) minutes after", "shared/domain/src/logs/excerpt.rs", r"AFTER: \S+ = \S+\((\d+)", 1),
    ("operations", r"had not ended after (\d+) s", "functions/collect-logs/src/answers.rs", r"PATIENCE: Duration = \S+from_secs\((\d+)", 1),
    ("architecture", r"`SPENT`.* \| (\d+) days after", "shared/aws/src/spending.rs", r"KEEP: \S+ = \S+\(24 \* (\d+)", 1),
    # The report.
    ("report", r"up to (\d+) services and workloads", "shared/domain/src/report/sections/worst/collect.rs", r"MOST: usize = (\d+)", 1),
    ("report", r"workloads \((\d+) in the email", "shared/domain/src/report/sections/worst/mod.rs", r"WORST: usize = (\d+)", 1),
    ("report", r"moved by (\d+) points", "shared/domain/src/report/sections/changes/compare.rs", r"MUCH: f64 = ([\d.]+)", 1),
    ("report", r"worst (\d+) pods of a cluster", "shared/domain/src/report/sections/eks/seen.rs", r"MOST_PODS: usize = (\d+)", 1),
    ("report", r"older than (\d+) minutes, and", "shared/domain/src/report/sections/clusters/seen.rs", r"STARTING: \S+ = \S+\((\d+)", 1),
    ("report", r"The last (\d+) hours\" are", "shared/domain/src/report/measured/figures.rs", r"RECENT_SECONDS: i64 = (\d+) \* 3600", 1),
]


def figure(text: str) -> float:
    """`1,500`, `1_500_000`, `96 * 1024` or `eight` as a number."""
    if text.lower() in WORDS:
        return WORDS.index(text.lower())
    value = 1.0
    for factor in text.replace(",", "").replace("_", "").rstrip("* ").split("*"):
        value *= float(factor)
    return value


def page_text(page: str) -> str:
    return (ROOT / "docs" / f"{page}.md").read_text()


@pytest.mark.parametrize(("page", "sentence", "source", "true", "unit"), LIMITS, ids=[limit[1] for limit in LIMITS])
def test_limit(page: str, sentence: str, source: str, true: str, unit: float) -> None:
    """Issue 14, point 10: a figure equals the code's, so the page cannot keep an old one."""
    named = [match for match in re.findall(sentence, page_text(page)) if match]
    assert named, f"docs/{page}.md no longer says {sentence}"
    found = re.search(true, (ROOT / source).read_text())
    assert found, f"{source} has no {true}"
    for one in named:
        assert figure(one) == pytest.approx(figure(found[1]) / unit)


def test_cpu_time_of_a_run_that_continues() -> None:
    source = (ROOT / BENCH / "collect.rs").read_text()
    most, five = re.search(r"MOST_CPU_MS: f64 = ([\d.]+)", source)[1], re.search(r"= MOST_CPU_MS / ([\d.]+);", source)[1]
    assert float(most) / float(five) == 1.5
    assert "one and a half times the CPU time of five points" in page_text("performance")


def test_revisions_over_the_floor() -> None:
    most = re.search(r"MOST_OVER_FLOOR: f64 = ([\d.]+)", (ROOT / BENCH / "logs.rs").read_text())[1]
    assert f"within {(float(most) - 1) * 100:.0f} % of the quota's floor" in page_text("performance")


def test_share_of_a_vcpu() -> None:
    memory = TEMPLATE.functions["CollectPods"]["MemorySize"]
    assert f"a function of {memory} MB {costs.pods_share():.2f} of a vCPU" in page_text("performance")


def test_workloads_of_the_measured_clusters() -> None:
    pods = figure(re.search(r"PODS: usize = ([\d_]+)", (ROOT / BENCH / "pods.rs").read_text())[1])
    replicas = figure(re.search(r"REPLICAS: usize = (\d+)", (ROOT / "tests/fake-kubernetes/src/estate/seeded.rs").read_text())[1])
    assert f"with some {pods / replicas:.0f} workloads" in page_text("performance")


def test_defaults_that_a_page_names() -> None:
    at_once = {name: TEMPLATE.parameters[name]["Default"] for name in ["TargetsAtOnce", "SweepTargetsAtOnce"]}
    assert f"up to `TargetsAtOnce` targets, {at_once['TargetsAtOnce']} by default" in page_text("operations")
    assert f"(`SweepTargetsAtOnce`, {WORDS[at_once['SweepTargetsAtOnce']]})" in page_text("architecture")


def test_connections_are_replaced_once_less_than_requests_are_sent() -> None:
    breaks = (ROOT / KUBERNETES / "retry.rs").read_text()
    sent = [re.search(rf"{word}(\d+)", breaks)[1] for word in ["BREAKS: u32 = ", "Aggregated => ", "Kubelet => "]]
    found = re.search(
        r"up to (\w+) times, within some 5 seconds \(those to the Metrics API (\w+) times, to a kubelet (\w+)\)", page_text("eks"),
    )
    assert [int(most) - 1 for most in sent] == [figure(word.replace("twice", "two")) for word in found.groups()]


def test_alarms_of_the_stack_are_counted() -> None:
    alarms = len(TEMPLATE.of_type("AWS::CloudWatch::Alarm"))
    text = page_text("operations")
    assert f"{WORDS[alarms].capitalize()} alarms of the stack" in text
    table = text.split("| alarm | fires when")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(TEMPLATE.of_type("AWS::CloudWatch::Alarm"))
    # In addition to the two on fargaze's own metrics.
    assert f"[{WORDS[alarms - 2]} other ways to fail]" in page_text("delivery")


def test_outputs_of_the_stack_are_listed() -> None:
    table = page_text("operations").split("| output | in commands")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(TEMPLATE.document["Outputs"])


def test_lifecycles_are_those_of_the_bucket() -> None:
    rules = TEMPLATE.properties("Bucket")["LifecycleConfiguration"]["Rules"]
    kept = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    found = dict(re.findall(r"^\| `(\w+/)[^|]*\|[^|]*\| (\d+) days \|$", page_text("architecture"), re.MULTILINE))
    assert {prefix: int(found[prefix]) for prefix in kept} == kept
    replaced = {rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in rules if "NoncurrentVersionExpiration" in rule}
    assert replaced == {30}
    assert "30 days more" in page_text("architecture")


def test_dead_letters() -> None:
    days = TEMPLATE.properties("DeadLetters")["MessageRetentionPeriod"] / 86_400
    assert f"Dead letters are kept for {days:.0f} days" in page_text("operations")
    attempts = TEMPLATE.properties("ClusterEvents")["RedrivePolicy"]["maxReceiveCount"]
    assert f"after {WORDS[attempts]} deliveries" in page_text("architecture")
    assert f"in {WORDS[attempts]} attempts" in page_text("operations")


def test_passes_of_a_sweep() -> None:
    passes = TEMPLATE.state_machine["States"]["EachTargetsInsights"]["ItemProcessor"]["States"]["MayContinue"]["Choices"]
    assert f"at most {passes[0]['NumericLessThanEquals']} times" in page_text("architecture")


def test_steps_about_logs_may_take_as_long_as_the_page_says() -> None:
    states = TEMPLATE.state_machine["States"]["EachTarget"]["ItemProcessor"]["States"]
    of_logs = {name: state for name, state in states.items() if state.get("Parameters", {}).get("FunctionName") == "${CollectLogs}"}
    rows = re.findall(r"^\| `(\w+)`.*\| (\d+) s \|$", page_text("architecture"), re.MULTILINE)
    assert {name: int(seconds) for name, seconds in rows} == {name: state["TimeoutSeconds"] for name, state in of_logs.items()}


def test_built_in_rules() -> None:
    rules = yaml.safe_load((ROOT / "shared/domain/src/config/default.yaml").read_text())["rules"]
    measures = {"nothing-running", "deployment-failed", "tasks-failing", "running-below-desired", "memory-percent", "cpu-percent",
                "task-deaths", "crash-looping-tasks", "spot-interruptions", "placement-failures", "http-5xx-percent",
                "unhealthy-hosts", "vcpu-quota-percent", "spot-vcpu-quota-percent"}
    of_ecs = [rule for rule in rules if rule["what"] in measures]
    assert f"{WORDS[len(of_ecs)]} for ECS" in page_text("rules")
    for word, measure in [("memory over", "memory-percent"), ("CPU over", "cpu-percent")]:
        rule = next(rule for rule in of_ecs if rule["what"] == measure)
        assert f"{word} {rule['threshold']}" in page_text("rules")
        assert (rule["datapoints-to-alarm"], rule["evaluation-periods"]) == (3, 5)
    assert "in three of five minutes" in page_text("rules")
    held = {rule["name"] for rule in rules if "minimum-hold" in rule}
    assert held == {rule["name"] for rule in rules if rule["severity"] != "info"}


def test_measures_of_cadvisor() -> None:
    counted = re.findall(r"^\| `[\w-]+` \| \[?counted", page_text("rules"), re.MULTILINE)
    assert f"**What it gives**: {WORDS[len(counted)]} measures" in page_text("eks")
    assert f"The {WORDS[len(counted)]} measures that need cAdvisor" in page_text("rules")


def test_demo_is_as_large_as_readme_says() -> None:
    import demo
    import estate

    text = " ".join((ROOT / "README.md").read_text().split())
    services = sum(len(cluster.services) for cluster in estate.ESTATE)
    assert f"creates {WORDS[len(estate.ESTATE)]} ECS clusters" in text
    assert f"an EKS cluster of {demo.PODS} pods" in text
    assert (
        f"Checked {demo.CLUSTERS} of {demo.CLUSTERS} clusters ({len(estate.ESTATE)} ECS, 1 EKS) in 2 of 2 targets with "
        f"{services} services"
    ) in text
    assert f"Of {2 * services} metrics requested, {2 * services - 2} had data and 2 had none" in text
