"""Logs Insights, as far as ministack lacks it and fargaze needs it.

ministack runs `fields`, `sort`, `limit` and a `filter` of one comparison, and ignores everything else: a query with `stats`
answers with the events themselves. Here `filter FIELD like "TEXT"`, `parse` with a regular expression and `stats count(*)`
are added, and what is still not understood is refused, so that no test passes because a command was ignored. As at AWS,
`@log` begins with the account.

Not here: every other function of `stats` and `fields`, filters with `and`, `or`, `ispresent()` and fields of JSON, queries
that take time (each is complete at once, so none can be stopped), and more than 10,000 events.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timezone

from ministack.core.responses import get_account_id
from ministack.services import cloudwatch_logs as logs

START = logs._start_query
# What ministack understands by itself.
OWN = re.compile(r"(?is)(fields\s+@\w+(\s*,\s*@\w+)*|sort\s+@\w+(\s+(asc|desc))?|limit\s+\d+)")
PARSE = re.compile(r"(?is)parse\s+(@\w+)\s+/(.*)/")
LIKE = re.compile(r'(?is)filter\s+(@\w+)\s+like\s+"([^"\\]*)"')
STATS = re.compile(r"(?is)stats\s+count\(\*\)\s+as\s+(\w+)(?:\s+by\s+(.+))?")
BIN = re.compile(r"(?i)bin\((\d+)([smh])\)")
SECONDS = {"s": 1, "m": 60, "h": 3600}
EVENTS = "fields @timestamp, @log, @logStream, @message"


def start(data):
    commands = [with_regex(command) for command in logs._split_insights_pipes(data.get("queryString", ""))]
    if strange := [command for command in commands if not is_known(command)]:
        return logs.error_response_json("MalformedQueryException", f"the local AWS lacks: {'; '.join(strange)}", 400)
    stats = [place for place, command in enumerate(commands) if STATS.fullmatch(command)]
    if not stats:
        return with_account(START({**data, "queryString": " | ".join(commands)}))
    if stats != [len(commands) - 1]:
        return logs.error_response_json("MalformedQueryException", "the local AWS takes stats as the last command only", 400)
    selects = [EVENTS, *(command for command in commands if logs._compile_insights_filter(command))]
    answer = with_account(START({**data, "queryString": " | ".join(selects), "limit": None}))
    if query := query_of(answer):
        events = [{field["field"]: field["value"] for field in row} for row in query["results"]]
        parses = [found for command in commands if (found := PARSE.fullmatch(command))]
        query["results"] = counted([parsed(event, parses) for event in events], STATS.fullmatch(commands[-1]))
    return answer


def is_known(command: str) -> bool:
    return logs._compile_insights_filter(command) is not None or any(one.fullmatch(command) for one in (OWN, PARSE, STATS))


def with_regex(command: str) -> str:
    """A filter by text as one by a regular expression."""
    like = LIKE.fullmatch(command)
    return f"filter {like[1]} like /{re.escape(like[2]).replace('/', chr(92) + '/')}/" if like else command


def query_of(answer) -> dict | None:
    """The query that was started, unless it was refused."""
    return logs._queries.get(json.loads(answer[2]).get("queryId"))


def with_account(answer):
    for row in (query_of(answer) or {}).get("results", []):
        for field in row:
            if field["field"] == "@log":
                field["value"] = f"{get_account_id()}:{field['value']}"
    return answer


def parsed(event: dict[str, str], parses: list[re.Match]) -> dict[str, str]:
    """The event with the fields that each `parse` finds in it."""
    for parse in parses:
        field, pattern = parse.groups()
        found = re.search(pattern.replace("(?<", "(?P<").replace(r"\/", "/"), event.get(field, ""))
        event |= found.groupdict() if found else {}
    return event


def counted(events: list[dict[str, str]], stats: re.Match) -> list[list[dict[str, str]]]:
    name, by = stats.groups()
    keys = [key.strip() for key in by.split(",")] if by else []
    counts = Counter(tuple((key, value(event, key)) for key in keys) for event in events)
    # A field that an event lacks is missing in its row.
    return [
        [{"field": key, "value": of} for key, of in row if of is not None] + [{"field": name, "value": str(count)}]
        for row, count in counts.items()
    ]


def value(event: dict[str, str], key: str) -> str | None:
    """A field, or the start of the bin that the event is in."""
    width = BIN.fullmatch(key)
    if width is None:
        return event.get(key)
    seconds = int(width[1]) * SECONDS[width[2].lower()]
    at = datetime.fromisoformat(event["@timestamp"]).replace(tzinfo=timezone.utc).timestamp()
    begins = datetime.fromtimestamp(at // seconds * seconds, timezone.utc)
    return begins.strftime("%Y-%m-%d %H:%M:%S.000")


def hold() -> None:
    """Installs it."""
    logs._start_query = start
