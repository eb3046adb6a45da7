"""`make demo`: the whole system on a local AWS, from a cluster event to the mails. Needs no AWS account.

Exits with 0 only if all checks pass, and always stops everything that it started.
"""

from __future__ import annotations

import datetime
import json
import re
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import bootstraps
import deployment
import eks
import estate
import logs
from local_aws import LocalAws, LocalAwsError
from mailbox import Mail, Mailbox
from stack import Execution, Stack, recorded_event, task_event
from terminal import Terminal

EVENT = "enable-insights.create-cluster.ok.json"
EKS_EVENT = "enable-insights.eks-create-cluster.ok.json"

CONFIG = Path(__file__).with_name("demo-fargaze.yaml")
EKS = estate.EKS_CLUSTER
BURSTING = "/".join(logs.BURSTING)
# In what the crash-looping pod wrote (tests/fake-kubernetes/src/main.rs).
TOKEN = "a1b2c3d4e5f6"
NONE = "none"
CLUSTERS = len(estate.ESTATE) + 1
# In addition to the healthy ones: three unhealthy pods, and metrics-server.
PODS = estate.EKS_PODS + 4


def main() -> int:
    terminal = Terminal()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        return demo(terminal)
    except KeyboardInterrupt:
        terminal.say("\n  Stopped. Everything that was started has been stopped.")
        return 130
    except (LocalAwsError, eks.FakeKubernetesError, bootstraps.BuildError, deployment.DeploymentError, TimeoutError) as error:
        terminal.say(f"\n  {terminal.red('The demo stopped:')} {error}")
        return 1


def stop(*_) -> None:
    raise KeyboardInterrupt


def demo(terminal: Terminal) -> int:
    start = time.monotonic()
    terminal.title("fargaze on a local AWS")
    with terminal.step("Building the functions") as step:
        binaries = deployment.function_binaries()
        executables = bootstraps.cargo_build(step.say)
        archives = bootstraps.archives_of(executables, set(binaries.values()), step.say)
        size = sum(archive.stat().st_size for archive in archives.values())
        step.note = f"{len(archives)} bootstraps, {size / 1e6:.0f} MB zipped"
    aws = LocalAws()
    try:
        with terminal.step("Starting a local AWS") as step:
            step.note = f"{aws.url}, TLS, IAM enforced"
            aws.start()
        stack = Stack(aws)
        with terminal.step("Deploying template.yaml") as step:
            stack.deploy_archives({logical_id: archives[binary] for logical_id, binary in binaries.items()})
            step.note = f"{len(stack.resources())} resources by CloudFormation"
        with ExitStack() as running:
            with terminal.step("Creating an estate") as step:
                points = estate.create(aws)
                running.enter_context(eks.answering(
                    stack, EKS, "--pods", str(estate.EKS_PODS), binary=executables["fake-kubernetes"],
                ))
                events = logs.write(aws)
                put_config(stack)
                step.note = f"{CLUSTERS} clusters, {points} metric points, {events} log lines"
            mailbox = running.enter_context(Mailbox(aws, stack.outputs["TopicArn"]))
            checks = show(terminal, stack, mailbox)
        where_next(terminal, keep_page(stack, next(iter(archives.values())).with_name("demo-report.html")))
        failed = [text for holds, text in checks if not holds]
        if failed:
            # The local AWS is taken down with its logs; files that explain a failed check stay.
            log = next(iter(archives.values())).with_name("demo.log")
            log.write_text(aws.log.read_text(errors="replace"))
            terminal.say(f"\n  The local AWS's log: {log}")
    finally:
        aws.stop()
    terminal.say()
    seconds = time.monotonic() - start
    if failed:
        terminal.say(f"  {terminal.red(f'{len(failed)} of {len(checks)} checks failed')} in {seconds:.0f} s.")
        return 1
    terminal.say(f"  {terminal.green(f'All {len(checks)} checks pass')}, in {seconds:.0f} s. "
                 "Everything that was started has been stopped.")
    return 0


@dataclass(frozen=True)
class Seen:
    """The result of the main job."""

    matched: list[bool]
    before: dict[str, str]
    after: dict[str, str]
    alarms: Execution
    digest: Mail | None
    report_run: Execution
    report: Mail | None


def show(terminal: Terminal, stack: Stack, mailbox: Mailbox) -> list[tuple[bool, str]]:
    """The main job: events, runs, mails, and the checks on them."""
    seen = main_job(terminal, stack, mailbox)
    terminal.title("What the events changed")
    terminal.table(
        ["cluster", "setting", "before", "after", ""],
        [[name, setting(name), before, seen.after.get(name, "deleted"), what_happened(name, before, seen.after.get(name))]
         for name, before in seen.before.items()],
    )
    for heading, run, mail in (
        ("The digest of alarms", seen.alarms, seen.digest), ("The report", seen.report_run, seen.report),
    ):
        terminal.title(heading)
        if mail is not None:
            terminal.mail(mail.subject, mail.body)
        else:
            terminal.say(f"  no mail arrived; the run {run.status.lower()} {run.error} {run.cause}".rstrip())

    terminal.title("Checks")
    checks = checked(seen)
    for holds, text in checks:
        terminal.check(holds, text)
    return checks


def main_job(terminal: Terminal, stack: Stack, mailbox: Mailbox) -> Seen:
    before = settings(stack)
    with terminal.step("Sending events for 6 new clusters") as step:
        events = [recorded_event(EVENT, cluster.name) for cluster in estate.ESTATE]
        events.append(recorded_event(EKS_EVENT, EKS))
        matched = [stack.rule_matches(event) for event in events]
        for event in events:
            stack.send(json.dumps(event))
        stack.wait_until_queue_is_empty()
        step.note = "CreateCluster events, by rule and queue"
    after = settings(stack)

    with terminal.step("Sending events of tasks that died") as step:
        events = died()
        matched += [stack.rule_matches(event, "TaskStopped") for event in events]
        for event in events:
            stack.send(json.dumps(event), "TaskEventsUrl")
        stack.wait_until_queue_is_empty(queue="TaskEventsUrl")
        step.note = f"{len(events)} of payments/{estate.SILENT}, out of memory, by rule and queue"
    # In this order they are never less than a period of five minutes apart.
    before_that, later = estate.later(estate.MINUTES_AHEAD - 5), estate.later()
    with terminal.step("Looking once before") as step:
        look(stack, before_that)
        step.note = "5 minutes earlier: pods, and who logs where"
    with terminal.step("Judging thresholds") as step:
        alarms = stack.run({"kind": "alarms", "time": later})
        step.note = f"about {estate.MINUTES_AHEAD} minutes from now: the run {alarms.status.lower()}"
    digest = newest_mail(mailbox, 1) if alarms.status == "SUCCEEDED" else None
    with terminal.step("Making the report") as step:
        report_run = stack.run({"kind": "report", "time": later})
        step.note = f"the run {report_run.status.lower()}"
    report = newest_mail(mailbox, 2) if report_run.status == "SUCCEEDED" else None
    return Seen(matched, before, after, alarms, digest, report_run, report)


def died() -> list[dict]:
    """The tasks of the service that does not run: each was killed soon after its start."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=estate.MINUTES_AHEAD - 10)
    service = f"payments/{estate.SILENT}"
    return [
        task_event("task-out-of-memory", service, number, end + datetime.timedelta(minutes=number))
        for number in range(1, 6)
    ]


def checked(seen: Seen) -> list[tuple[bool, str]]:
    """The checks."""
    before, after, digest, report = seen.before, seen.after, seen.digest, seen.report
    return [
        (all(seen.matched), "the deployed rule matches every one of these events"),
        (before["shop"] == "disabled" and after["shop"] == "enabled", "shop: Container Insights was off and is on"),
        (after["orders"] == after["payments"] == "enabled", "orders, payments: on before, and unchanged"),
        (after["search"] == "enhanced", "search: enhanced is not lowered"),
        (after["AWSBatch-nightly-5c1e"] == "disabled", "AWSBatch-nightly-5c1e: excluded, so untouched"),
        ((before[EKS], after[EKS]) == (NONE, "metrics-server"), f"{EKS}: the add-on metrics-server was missing and is installed"),
        (ended_well(seen.alarms), "the run of alarms succeeded and published"),
        (ended_well(seen.report_run), "the run of the report succeeded and published"),
        (mentions(digest, "orders", estate.HOT, "memory"), f"the digest shows the memory of orders/{estate.HOT}"),
        (mentions(digest, f"payments/{estate.SILENT}", "2 tasks missing"), f"the digest says that payments/{estate.SILENT} does not run"),
        (mentions(digest, f"search/{estate.FAILING}", "31 of 240 requests were answered with 5XX", "1 target is unhealthy"),
         f"the digest has the errors and the unhealthy target of search/{estate.FAILING} behind its load balancer"),
        (mentions(digest, "5 tasks died since", "out of memory (OOM)", "exit code 137", "aws ecs describe-tasks"),
         "the digest says what its tasks died of, the exit code, how many and since when, and how to go on"),
        (mentions(digest, "odd/pod/crashes", "CrashLoopBackOff", "OOMKilled"), "the digest says that the pod odd/crashes crashes, and why"),
        (mentions(digest, "odd/pod/waits", "pending"), "the digest says that the pod odd/waits is pending"),
        (has_burst(digest), f"the digest has the errors of {BURSTING}: their count and course, the newest three, and a link to all"),
        (mentions(digest, "Last lines of pod crashes", "token=[masked]", "cannot allocate 64 MiB") and TOKEN not in digest.body,
         "the digest has the last lines of odd/crashes, with the token masked"),
        (checked_all(digest), f"the digest says that {CLUSTERS} clusters were checked"),
        (checked_all(report), f"the report says that {CLUSTERS} clusters were checked"),
        (mentions(report, f"payments/{estate.SILENT}", "0 of 2"), f"the report says that payments/{estate.SILENT} does not run"),
        (mentions(report, f"search/{estate.FAILING}", "12.9 % 5XX", "1 target unhealthy"),
         f"the report has requests, errors and unhealthy targets of search/{estate.FAILING}"),
        (mentions(report, f"No log driver: payments/{estate.UNLOGGED[0]} ({estate.UNLOGGED[1]})"),
         f"the report says that the logs of {estate.UNLOGGED[1]} in payments/{estate.UNLOGGED[0]} are lost"),
        (mentions(report, f"{EKS}: ACTIVE", f"{PODS} pods", "Metrics API answers"), f"the report has {EKS} and its {PODS} pods"),
    ]


def settings(stack: Stack) -> dict[str, str]:
    """The settings of each cluster: Container Insights of ECS, the add-ons of EKS."""
    addons = stack.aws.client("eks").list_addons(clusterName=EKS)["addons"]
    return {**estate.insights(stack.aws), EKS: ", ".join(addons) or NONE}


def setting(name: str) -> str:
    return "add-ons (EKS)" if name == EKS else "Container Insights"


def put_config(stack: Stack) -> None:
    body = CONFIG.read_bytes()
    stack.aws.client("s3").put_object(Bucket=stack.outputs["BucketName"], Key="fargaze.yaml", Body=body)


def look(stack: Stack, time: str) -> None:
    """Reads metrics, pods and logs as a run does, and evaluates nothing: a crash loop takes two samples, and queries for
    services need to know where they log."""
    planned = stack.invoke("PlanRun", {"kind": "alarms", "time": time})
    for target in planned["targets"]:
        step = {"plan": planned["plan"], "target": target["number"]}
        stack.invoke("CollectLogs", {**step, "do": "start-queries"})
        stack.invoke("CollectPods" if target["platform"] == "eks" else "CollectMetrics", step)
        stack.invoke("CollectLogs", {**step, "do": "read-queries"})


def newest_mail(mailbox: Mailbox, count: int) -> Mail | None:
    try:
        return mailbox.wait_for(count, seconds=20)[-1]
    except TimeoutError:
        return None


def ended_well(run: Execution) -> bool:
    return run.status == "SUCCEEDED" and bool(run.output.get("published"))


def mentions(mail: Mail | None, *words: str) -> bool:
    return mail is not None and all(word.lower() in " ".join(mail.body.lower().split()) for word in words)


def has_burst(mail: Mail | None) -> bool:
    """Count, sparkline, newest three lines and link."""
    if not mentions(mail, f"{BURSTING}: errors {logs.BURST}", "Newest lines:", "#logsV2:logs-insights"):
        return False
    return mail.body.count(logs.ERROR) == 3 and any(bar in mail.body for bar in "▁▂▃▄▅▆▇█")


def checked_all(mail: Mail | None) -> bool:
    return mail is not None and re.search(rf"\b{CLUSTERS}\s+clusters\b", mail.body) is not None


def what_happened(name: str, before: str, after: str | None) -> str:
    if before != after:
        return "installed" if name == EKS else "turned on"
    if name.startswith("AWSBatch-"):
        return "excluded"
    return "unchanged"


def keep_page(stack: Stack, to: Path) -> str:
    """Keeps the report's page, which would be deleted with the local AWS; prints its path."""
    s3, bucket = stack.aws.client("s3"), stack.outputs["BucketName"]
    kept = s3.list_objects_v2(Bucket=bucket, Prefix="reports/dt=").get("Contents", [])
    pages = [item["Key"] for item in kept if item["Key"].endswith(".html")]
    if not pages:
        return "none was made"
    to.write_bytes(s3.get_object(Bucket=bucket, Key=max(pages))["Body"].read())
    return str(to)


def where_next(terminal: Terminal, page: str) -> None:
    terminal.title("Next steps")
    terminal.table(
        ["", "see"],
        [
            ["the report's page, with charts", page],
            ["what was deployed", "template.yaml"],
            ["its rules and queries of logs", "tests/stack/demo-fargaze.yaml"],
            ["the events that were sent", f"events/{EVENT}"],
            ["", f"events/{EKS_EVENT}"],
            ["how it works", "README.md, docs/architecture.md"],
            ["how fargaze reads EKS", "docs/eks.md"],
            ["how it reads logs", "docs/logs.md"],
            ["how it knows why tasks died", "docs/causes.md"],
            ["what can be set", "docs/configuration.md"],
            ["its permissions in your account", "docs/permissions.md"],
            ["how to deploy it for real", "README.md"],
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
