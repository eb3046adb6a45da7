"""README.md's costs are the computed ones, and every other price in the documents follows from the price list."""

from __future__ import annotations

import re

import costs
import prices as price
import pytest
from blocks import README, ROOT, blocks, cells, table

MONTH = costs.price.HOURS
TEXT = README.read_text()
WRITTEN = blocks(TEXT)


def test_table_is_computed_cell_by_cell() -> None:
    """Issue 14, point 10: README's total differed from the sum of its lines."""
    written, computed = WRITTEN["costs"].splitlines(), costs.month().splitlines()
    assert [cells(line) for line in written] == [cells(line) for line in computed], (
        "write it with `python tests/figures/figures.py costs`"
    )


def test_sums_are_those_of_the_lines_as_a_reader_adds_them() -> None:
    *rows, total = table(WRITTEN["costs"])
    for size in list(total)[1:]:
        added = sum(float(row[size].strip("$").replace(",", "")) for row in rows)
        assert abs(added - float(total[size].strip("*$").replace(",", ""))) <= 0.55, size


def test_paragraph_on_eks_is_computed() -> None:
    assert WRITTEN["eks-costs"] == costs.eks(), "write it with `python tests/figures/figures.py eks-costs`"


def test_month_is_that_of_the_default_schedules() -> None:
    defaults = {name: costs.TEMPLATE.parameters[name]["Default"] for name in ["ReportSchedule", "SweepSchedule"]}
    for schedule in defaults.values():
        assert re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", schedule), "once a day"
    # The functions that the table counts are those that the state machine calls in an alarms run of
    # both platforms.
    child = costs.TEMPLATE.state_machine["States"]["EachTarget"]["ItemProcessor"]["States"]
    called = {name for name, state in child.items() if state["Type"] == "Task"}
    # Called only for a failed target, only in a report, only with saved queries, and only for alarms that begin.
    assert called - {"KeepFailure", "CollectLogs", "StartQueries", "ReadQueries", "LogsOfAlarms"} <= set(costs.functions_of_a_run())
    assert costs.TEMPLATE.state_machine["States"]["EachTarget"]["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "EXPRESS"


def test_code_has_the_same_prices() -> None:
    source = (ROOT / "shared/domain/src/sources/plan.rs").read_text()
    assert float(re.search(r"DOLLARS_PER_THOUSAND_METRICS: f64 = ([\d.]+)", source)[1]) == price.METRIC_REQUESTED * 1_000
    tariff = (ROOT / "shared/domain/src/reconcile/cost.rs").read_text()
    assert float(re.search(r"enabled: ([\d.]+), enhanced", tariff)[1]) == price.CUSTOM_METRIC
    assert f'date: "{price.DATE}", region: "{price.REGION}"' in tariff
    budget = (ROOT / "shared/domain/src/logs/query/budget.rs").read_text()
    assert float(re.search(r"DOLLARS_PER_GB_SCANNED: f64 = ([\d.]+)", budget)[1]) == price.LOG_GB_SCANNED


def dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 0.01 else f"${value:.3f}"


def a_report(services: int) -> float:
    return services * costs.report_metrics() * price.METRIC_REQUESTED


def scans_of_a_rule_on_logs(*, counts: bool = True) -> float:
    """How often a rule on logs with N = 1 scans each event: its query covers N + 2 periods, and before them what is new since
    the last run; of a field of its own result, what a run looks back on."""
    look_back = costs.ALARMS_EVERY if counts else 1.5 * costs.TEMPLATE.parameters["LookbackMinutes"]["Default"]
    source = (ROOT / "shared/domain/src/rules/condition.rs").read_text()
    periods = 1 + int(re.search(r"EXTRA_PERIODS: usize = (\d+)", source)[1])
    return (look_back + 5 * periods) / costs.ALARMS_EVERY


# Page, its text, and the calculation.
RECKONED = [
    ("README.md", "for each target group: {} a month for 1,000 services", f"${costs.load_balancers(1_000):.0f}"),
    ("docs/rules.md", "for the built-in rules, {} a month for 1,000 services", f"${costs.load_balancers(1_000):.0f}"),
    ("docs/rules.md", "metrics per account, Region and run: {} a month", f"${costs.quotas():.2f}"),
    ("README.md", "two CloudWatch alarms on each of 1,000 services are {}", f"${2 * 1_000 * price.ALARM:.0f}"),
    ("README.md", "a NAT gateway with its public address costs {} and", dollars((price.NAT_HOUR + price.PUBLIC_ADDRESS_HOUR) * MONTH)),
    ("README.md", "and {} per GB", f"${price.NAT_GB}"),
    ("README.md", "SQS and ECS cost {} per endpoint and Availability Zone", dollars(price.ENDPOINT_HOUR * MONTH)),
    ("README.md", "per endpoint and Availability Zone, and {} per GB", f"${price.ENDPOINT_GB}"),
    ("README.md", "Queries of logs cost {} per GB scanned", dollars(price.LOG_GB_SCANNED)),
    ("README.md", "scans each event [{}]", f"{scans_of_a_rule_on_logs():.0f} times"),
    ("docs/logs.md", "each event is scanned {}", f"{scans_of_a_rule_on_logs():.0f} times: "),
    ("docs/logs.md", "for a service that writes 1 GB a day that is {} in 30 days",
     f"{scans_of_a_rule_on_logs() * price.DAYS:.0f} GB, or {dollars(scans_of_a_rule_on_logs() * price.DAYS * price.LOG_GB_SCANNED)},"),
    ("docs/logs.md", "A rule on another field scans each event {}", f"{scans_of_a_rule_on_logs(counts=False):.0f} times"),
    ("docs/logs.md", "for the same service is {} in 30 days",
     f"{scans_of_a_rule_on_logs(counts=False) * price.DAYS:.0f} GB, or "
     f"{dollars(scans_of_a_rule_on_logs(counts=False) * price.DAYS * price.LOG_GB_SCANNED)},"),
    ("docs/logs.md", "scans each event {} times, and", f"{60 // costs.ALARMS_EVERY}"),
    ("docs/logs.md", "**The price** is {} for a GB scanned", dollars(price.LOG_GB_SCANNED)),
    ("docs/report.md", "statistics of Logs Insights, at {} for a GB", dollars(price.LOG_GB_SCANNED)),
    ("README.md", "custom metrics at {}", dollars(price.CUSTOM_METRIC)),
    ("README.md", "us-east-1 list prices of {}", price.DATE),
    *[("docs/report.md", f"| {services:,} | {services * costs.report_metrics():,} | {{}} |",
       f"{dollars(a_report(services))} | {dollars(a_report(services) * price.DAYS)}") for services in [100, 1_000, 10_000]],
    ("docs/report.md", "costs {} for 1,000 metrics", dollars(price.METRIC_REQUESTED * 1_000)),
]


@pytest.mark.parametrize(("page", "sentence", "figure"), RECKONED)
def test_price_in_a_sentence(page: str, sentence: str, figure: str) -> None:
    text = " ".join((ROOT / page).read_text().split())
    assert sentence.format(figure) in text


def test_container_insights_of_ten_services() -> None:
    """README.md repeats a figure that the test of docs/policies.md has written."""
    row = next(row for row in table(costs_of_insights()) if row["services"] == "10")
    alone = next(row for row in table(costs_of_insights()) if row["services"] == "0")
    month = float(row["a month"].strip("$"))
    metrics, of_a_cluster = (int(line["`enabled`"].split()[0]) for line in (row, alone))
    service, family = map(int, re.search(r"about 12 for a cluster, (\d+) for a service and (\d+) for a\s+task family", TEXT).groups())
    assert of_a_cluster == 12
    assert metrics == of_a_cluster + 10 * (service + family)
    assert f"a cluster with 10 services is about ${metrics * price.CUSTOM_METRIC:.0f} a month" in TEXT
    assert month != 0


def costs_of_insights() -> str:
    text = (ROOT / "docs/policies.md").read_text()
    content = text.split("<!-- made by a test: cost -->\n")[1].split("<!-- end -->")[0]
    # Two columns have the same name; this uses the first.
    return "\n".join("|".join(line.split("|")[:6]) + "|" for line in content.splitlines() if line.startswith("|"))


def test_metrics_server_costs_what_the_code_says() -> None:
    source = (ROOT / "shared/domain/src/reconcile/cost.rs").read_text()
    cpu, memory = re.search(r"HOUR: \(f64, f64\) = \(([\d._]+), ([\d._]+)\)", source).groups()
    month = (0.25 * float(cpu) + 0.5 * float(memory.replace("_", ""))) * MONTH
    assert f"about ${month:.2f} a month (0.25 vCPU and 0.5 GB" in (ROOT / "docs/policies.md").read_text()
    assert f"metrics-server on Fargate costs about ${month:.0f} for each of its pods" in TEXT
