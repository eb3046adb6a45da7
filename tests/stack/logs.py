"""What the services of the estate log, written to the local AWS."""

from __future__ import annotations

import datetime

import estate
from local_aws import LocalAws

RETENTION_DAYS = 30
# The service whose errors burst: this many in five minutes, after one in five minutes.
BURSTING = ("shop", "web")
BURST = 42
ONCE = 1
# The period in which the burst begins is complete at the time of the runs, and the burst goes on.
PERIOD = datetime.timedelta(minutes=5)
# Longer than any query of the demo looks back.
HISTORY = datetime.timedelta(hours=2)

ERROR = "ERROR checkout: payment provider timed out"
# What each task of a service wrote last that has no running one.
LAST_WORDS = ["INFO SIGTERM: billing 2.3.1 stops", "INFO finishing 3 invoices", "INFO stopped"]

Event = tuple[datetime.datetime, str]


def write(aws: LocalAws) -> int:
    """Creates a log group for each service, with the events of its tasks. Returns the number of events."""
    logs, now, count = aws.client("logs"), datetime.datetime.now(datetime.timezone.utc), 0
    for cluster in estate.ESTATE:
        for service in cluster.services:
            group = estate.log_group(cluster.name, service.name)
            logs.create_log_group(logGroupName=group)
            logs.put_retention_policy(logGroupName=group, retentionInDays=RETENTION_DAYS)
            tasks = tasks_of(aws, cluster.name, service)
            for task, events in events_of(cluster.name, service, tasks, now).items():
                stream = f"{service.name}/{estate.CONTAINER}/{task}"
                logs.create_log_stream(logGroupName=group, logStreamName=stream)
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[
                    {"timestamp": int(at.timestamp() * 1000), "message": line} for at, line in events
                ])
                count += len(events)
    return count


def events_of(cluster: str, service: estate.Service, tasks: list[str], now: datetime.datetime) -> dict[str, list[Event]]:
    """The events of each task of a service. They continue into the future as far as the runs of the demo."""
    if service.running == 0:
        last = [(now + datetime.timedelta(seconds=place), line) for place, line in enumerate(LAST_WORDS)]
        return dict.fromkeys(tasks, last)
    begin, end = now - HISTORY, now + datetime.timedelta(minutes=estate.MINUTES_AHEAD) + PERIOD
    minutes = range(int((end - begin).total_seconds()) // 60)
    events = [(begin + datetime.timedelta(minutes=minute), f"INFO {service.name} is healthy") for minute in minutes]
    if (cluster, service.name) == BURSTING:
        events += errors(begin, burst_begin(now), ONCE) + errors(burst_begin(now), end, BURST)
    # The tasks take turns.
    events.sort()
    return {task: events[place::len(tasks)] for place, task in enumerate(tasks)}


def burst_begin(now: datetime.datetime) -> datetime.datetime:
    """The last period that begins and ends before the end of what a run covers, two minutes before the run."""
    covered = now + datetime.timedelta(minutes=estate.MINUTES_AHEAD - 2)
    seconds = PERIOD.total_seconds()
    return datetime.datetime.fromtimestamp(covered.timestamp() // seconds * seconds, datetime.timezone.utc) - PERIOD


def errors(begin: datetime.datetime, end: datetime.datetime, in_period: int) -> list[Event]:
    """So many errors in each period, evenly, and none where two periods meet."""
    apart = PERIOD / in_period
    return [(begin + (place + 0.5) * apart, f"{ERROR}, order {7301 + place}") for place in range(int((end - begin) / apart))]


def tasks_of(aws: LocalAws, cluster: str, service: estate.Service) -> list[str]:
    """The ids of its tasks, running or stopped."""
    status = "STOPPED" if service.running == 0 else "RUNNING"
    listed = aws.client("ecs").list_tasks(cluster=cluster, serviceName=service.name, desiredStatus=status)
    return [arn.rsplit("/", 1)[-1] for arn in listed["taskArns"]]
