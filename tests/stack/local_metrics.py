"""Metric math, as far as fargaze needs it and ministack lacks it: `100*ID/SERVICE_QUOTA(ID)` of `GetMetricData`, with a
quota of 100 for every usage metric. Any other expression is refused, as ministack does."""

from __future__ import annotations

import re

from ministack.services import cloudwatch

PERCENT = re.compile(r"100\*(\w+)/SERVICE_QUOTA\((\w+)\)")
GET = cloudwatch._get_metric_data


def get_metric_data(params, data, is_cbor, is_json=False):
    if is_cbor or is_json:
        queries = data.get("MetricDataQueries", [])
        data = {**data, "MetricDataQueries": [with_quota(query, queries) for query in queries]}
    return GET(params, data, is_cbor, is_json)


def with_quota(query: dict, queries: list[dict]) -> dict:
    """The query of the usage itself, which is the percentage of a quota of 100."""
    found = PERCENT.fullmatch(query.get("Expression", ""))
    used = next((one for one in queries if found and one["Id"] == found[1] == found[2]), None)
    return {"Id": query["Id"], "MetricStat": used["MetricStat"]} if used else query


def hold() -> None:
    """Installs it."""
    cloudwatch._get_metric_data = get_metric_data
