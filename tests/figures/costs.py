"""The monthly cost of fargaze, computed from the template, the state machine, counted calls and prices: the table of
README.md."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import yaml
from blocks import MADE, PERFORMANCE, ROOT, blocks, number, table

sys.path.insert(0, str(ROOT / "tests" / "template"))
import prices as price
from template import Template

TEMPLATE = Template.of_project()
SIZES = [5, 100, 1_000]

# Assumptions, which README.md names: the average duration limit of a function, and its log volume
# per call.
SECONDS_OF_A_FUNCTION = 0.5
LOGGED_BYTES = 2_000
# Lambda reads a queue with up to five concurrent long polls of 20 s, even while it is empty, and
# they are billed (AWS Lambda Developer Guide, "SQS").
POLLS = 5 * 3_600 // 20 * price.HOURS


def minutes_between(schedule: str) -> int:
    every, unit = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", schedule).groups()
    return int(every) * (60 if unit == "hour" else 1)


ALARMS_EVERY = minutes_between(TEMPLATE.parameters["AlarmsSchedule"]["Default"])
ALARMS = price.HOURS * 60 // ALARMS_EVERY
# Report and sweep run once a day (test_costs.py checks that).
DAILY = price.DAYS
RUNS = ALARMS + 2 * DAILY
# ECS and EKS of the stack's own account and Region.
TARGETS = 2


def built_in_metrics() -> int:
    """Metrics that the built-in rules request for each service: one for each CloudWatch measure."""
    rules = yaml.safe_load((ROOT / "shared/domain/src/config/default.yaml").read_text())["rules"]
    return len({rule["what"] for rule in rules} & {"memory-percent", "cpu-percent"})


def built_in(figures: dict[str, set[str]]) -> int:
    """Metrics that the built-in rules request, each once, for these measures."""
    rules = yaml.safe_load((ROOT / "shared/domain/src/config/default.yaml").read_text())["rules"]
    return len(set().union(*(figures.get(rule["what"], set()) for rule in rules)))


def balancer_metrics() -> int:
    """Metrics for each target group behind an Application Load Balancer."""
    return built_in({"http-5xx-percent": {"errors", "requests"}, "response-time": {"time", "requests"},
                     "unhealthy-hosts": {"unhealthy"}, "requests": {"requests"}})


def quota_metrics() -> int:
    """Metrics for each account and Region."""
    return built_in({"vcpu-quota-percent": {"on demand"}, "spot-vcpu-quota-percent": {"spot"}})


def load_balancers(services: int) -> float:
    return services * balancer_metrics() * ALARMS * price.METRIC_REQUESTED


def quotas() -> float:
    return quota_metrics() * ALARMS * price.METRIC_REQUESTED


def report_metrics() -> int:
    """Metrics that a report requests for a service in a cluster with Container Insights."""
    source = (ROOT / "shared/domain/src" / "sources" / "plan.rs").read_text()
    table_ = re.search(r"const REPORT_METRICS:.*?\n\];", source, re.DOTALL)[0]
    return len(re.findall(r"Statistic::\w+\)", table_))


def transitions(kind: str) -> int:
    """State transitions of a run, and one for each child that it starts; EXPRESS children are not billed by transition."""
    machine, seen = TEMPLATE.state_machine, 0
    state = machine["StartAt"]
    while state:
        step = machine["States"][state]
        seen += 1 + (TARGETS if step["Type"] == "Map" else 0)
        state = chosen(step, kind) if step["Type"] == "Choice" else step.get("Next")
    return seen


def chosen(choice: dict, kind: str) -> str:
    fitting = [option["Next"] for option in choice["Choices"] if option.get("StringEquals") == kind]
    return fitting[0] if fitting else choice["Default"]


def step_functions() -> float:
    seconds = 2 * SECONDS_OF_A_FUNCTION  # a collector, then EvaluateAlarms
    children = ALARMS * TARGETS
    express = price.EXPRESS_REQUEST + seconds / 3_600 * price.EXPRESS_GB * price.EXPRESS_GB_HOUR
    return RUNS * transitions("alarms") * price.TRANSITION + children * express


def functions_of_a_run() -> list[str]:
    """The functions that an alarms run calls."""
    return ["PlanRun", "CollectMetrics", "CollectPods", "EvaluateAlarms", "EvaluateAlarms", "ForwardSummary"]


def lambda_() -> float:
    gigabytes = sum(TEMPLATE.functions[name]["MemorySize"] / 1_024 for name in functions_of_a_run())
    calls = len(functions_of_a_run()) * ALARMS
    return calls * price.LAMBDA_CALL + ALARMS * gigabytes * SECONDS_OF_A_FUNCTION * price.LAMBDA_GB_SECOND


def made(name: str) -> str:
    """A table of docs/performance.md that a test wrote."""
    mark = f"<!-- made by a test: {name} -->\n"
    return next(match[0] for match in MADE.finditer(PERFORMANCE.read_text()) if match[0].startswith(mark))


def calls(column: str) -> float:
    """Calls per month of a column of the table that counts an hour of runs."""
    rows = table(made("calls of an hour"))
    hour = int(number(next(iter(rows[0]))))
    return sum(number(row[column]) for row in rows) * ALARMS / hour


def snapshot_bytes(services: int) -> float:
    """Bytes of a run's snapshot with the built-in rules, scaled by the number of series from the measured estate."""
    rows = table(blocks(PERFORMANCE.read_text())["collect-metrics"])
    row = next(row for row in rows if row["run"].startswith("a run that continues"))
    return number(row["snapshot kB"]) * 1_000 * services * built_in_metrics() / number(row["metrics billed"])


def days_of_snapshots() -> tuple[int, int]:
    """How many days the bucket keeps a snapshot, and for how many it is billed: as a noncurrent version it stays
    longer."""
    rules = TEMPLATE.properties("Bucket")["LifecycleConfiguration"]["Rules"]
    rule = next(rule for rule in rules if rule.get("Prefix") == "snapshots/")
    kept = rule["ExpirationInDays"]
    return kept, kept + rule["NoncurrentVersionExpiration"]["NoncurrentDays"]


def storage(size: float) -> float:
    """A month of snapshots of this size."""
    return size * ALARMS / price.DAYS * days_of_snapshots()[1] / 1e9 * price.S3_GB_MONTH


def queues() -> int:
    """Queues that Lambda polls."""
    sources = [event for function in TEMPLATE.functions.values() for event in function.get("Events", {}).values()]
    return sum(event["Type"] == "SQS" for event in sources)


def small_services(services: int) -> float:
    requests = calls("S3 reads") * price.S3_READ + calls("S3 writes and lists") * price.S3_WRITE
    table_ = calls("DynamoDB reads") * price.DYNAMODB_READ + calls("DynamoDB writes") * price.DYNAMODB_WRITE
    logs = len(functions_of_a_run()) * ALARMS * LOGGED_BYTES / 1e9 * price.LOG_GB
    starts = RUNS * (price.SCHEDULE + price.TRACE)
    return requests + table_ + queues() * POLLS * price.SQS_REQUEST + logs + starts + storage(snapshot_bytes(services))


def own_metrics() -> int:
    return len(set(re.findall(r'\("(\w+)", (?:1|listeners)\)', (ROOT / "shared/domain/src/notify/heartbeat.rs").read_text())))


def own_alarms() -> int:
    return len(TEMPLATE.of_type("AWS::CloudWatch::Alarm"))


def lines() -> list[tuple[str, Callable[[int], float]]]:
    """The lines of the table: the billed item, and the dollars for an estate with this many services."""
    alarms, report = built_in_metrics(), report_metrics()
    ways = transitions("alarms")
    called = len(functions_of_a_run())
    return [
        (f"`GetMetricData`, alarms: {alarms} metrics a service × {ALARMS:,} runs × $0.01 a thousand",
         lambda services: services * alarms * ALARMS * price.METRIC_REQUESTED),
        (f"`GetMetricData`, vCPU quotas of the account: {quota_metrics()} metrics × {ALARMS:,} runs", lambda _: quotas()),
        (f"`GetMetricData`, report: at most {report} metrics a service × {DAILY}",
         lambda services: services * report * DAILY * price.METRIC_REQUESTED),
        (f"Step Functions: {RUNS:,} runs × {ways} transitions, and children of EXPRESS", lambda _: step_functions()),
        ("key of the topic", lambda _: price.KEY),
        (f"watching itself: {own_metrics()} custom metrics, {own_alarms()} alarms",
         lambda _: own_metrics() * price.CUSTOM_METRIC + own_alarms() * price.ALARM),
        (f"Lambda: {called} calls a run, taken as half a second each", lambda _: lambda_()),
        ("S3, SQS, DynamoDB, logs, traces: [calls](docs/performance.md#what-an-hour-of-runs-calls), "
         f"{days_of_snapshots()[1]} days of snapshots", small_services),
    ]


def month() -> str:
    """The table of README.md."""
    head = ["", *(f"{size:,} services" for size in SIZES)]
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for what, dollars in lines():
        out.append(f"| {what} | " + " | ".join(f"${dollars(size):,.2f}" for size in SIZES) + " |")
    sums = [sum(dollars(size) for _, dollars in lines()) for size in SIZES]
    out.append("| **together** | " + " | ".join(f"**${total:,.0f}**" for total in sums) + " |")
    return "\n".join([*out, ""]).replace("|  |", "| |", 1)


def pods_seconds() -> float:
    """Seconds that collect-pods takes in Lambda on the measured estate: its CPU time, at its share of a vCPU."""
    rows = table(blocks(PERFORMANCE.read_text())["collect-pods"])
    warm = next(row for row in rows if row["run"] == "warm")
    share = pods_share()
    return max(number(warm["CPU ms"]) / 1_000 / share, number(warm["wall s, median (min-max)"]))


def pods_share() -> float:
    return TEMPLATE.functions["CollectPods"]["MemorySize"] / price.LAMBDA_MB_OF_A_VCPU


def pods_lambda() -> float:
    gigabytes = TEMPLATE.functions["CollectPods"]["MemorySize"] / 1_024
    return ALARMS * pods_seconds() * gigabytes * price.LAMBDA_GB_SECOND


def pods_storage() -> float:
    rows = table(blocks(PERFORMANCE.read_text())["collect-pods"])
    return storage(number(rows[0]["snapshot kB"]) * 1_000)


def eks() -> str:
    """The paragraph of README.md on a large EKS estate."""
    rows = table(blocks(PERFORMANCE.read_text())["collect-pods"])
    megabytes = number(rows[0]["snapshot kB"]) / 1_000
    memory = TEMPLATE.functions["CollectPods"]["MemorySize"]
    return (
        f"20 clusters of 1,000 pods cost ${pods_lambda():.2f} of Lambda ({ALARMS:,} runs of {pods_seconds():.1f} s, which is "
        f"[the CPU time](docs/performance.md#collect-pods-20-clusters-of-1000-pods) at the {pods_share():.2f} of a vCPU that "
        f"{memory} MB get) and ${pods_storage():.2f} of S3 ({days_of_snapshots()[1]} days of snapshots of {megabytes:.1f} MB).\n"
    )


# The blocks of README.md.
BLOCKS: dict[str, Callable[[], str]] = {"costs": month, "eks-costs": eks}
