"""Cuts the published API models down to the operations that the fake serves.

    python tests/fake-aws/model/trim.py        writes model/*.json from the botocore of tests/requirements.txt

Kept are the operations' routes, errors and shapes with their types, required members, enums, patterns and bounds; the
documentation is not. Of services with REST routes every operation's route is kept, so that the fake can tell an
operation that it does not serve from one that nobody has. botocore is Apache-2.0: https://github.com/boto/botocore
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

HERE = Path(__file__).resolve().parent

OPERATIONS = {
    "cloudwatch": ["GetMetricData", "GetMetricStatistics", "ListMetrics"],
    "dynamodb": ["DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"],
    "ecs": [
        "CreateCluster", "DescribeClusters", "DescribeServices", "DescribeTaskDefinition", "DescribeTasks",
        "ListAccountSettings", "ListClusters", "ListServices", "ListTasks", "PutAccountSettingDefault", "UpdateCluster",
        "UpdateClusterSettings",
    ],
    "eks": [
        "CreateAddon", "DeleteAddon", "DescribeAccessEntry", "DescribeAddon", "DescribeCluster",
        "DescribeFargateProfile", "DescribeUpdate", "ListAddons", "ListClusters", "ListFargateProfiles",
        "ListNodegroups", "UpdateClusterConfig",
    ],
    "logs": [
        "DeleteRetentionPolicy", "DescribeLogGroups", "FilterLogEvents", "GetLogEvents", "GetQueryResults",
        "PutRetentionPolicy", "StartQuery", "StopQuery",
    ],
    "s3": ["DeleteObject", "GetObject", "HeadBucket", "HeadObject", "ListObjectsV2", "PutObject"],
    "sns": ["GetTopicAttributes", "ListSubscriptionsByTopic", "Publish"],
    "sqs": ["GetQueueUrl", "SendMessage"],
    "sts": ["AssumeRole", "GetCallerIdentity"],
}

# Of a shape; `box`, `sensitive`, `deprecated` and the like change nothing on the wire.
SHAPE = ["type", "required", "enum", "min", "max", "pattern", "payload", "flattened", "streaming", "document"]
# Of a reference to a shape.
MEMBER = ["location", "locationName", "flattened", "streaming"]


def service(name: str, model: dict[str, Any]) -> dict[str, Any]:
    """The model of one service, cut down."""
    metadata = model["metadata"]
    operations, shapes = {}, {}
    for operation in OPERATIONS[name]:
        found = model["operations"][operation]
        kept = {key: found[key]["shape"] for key in ("input", "output") if key in found}
        if wrapper := found.get("output", {}).get("resultWrapper"):
            kept["wrapper"] = wrapper
        # The code on the wire is the shape's own name where the model gives no other.
        kept["errors"] = {
            error["shape"]: model["shapes"][error["shape"]].get("error", {}).get("code", error["shape"])
            for error in found.get("errors", [])
        }
        operations[operation] = kept
        for key in ("input", "output"):
            if key in kept:
                reach(model["shapes"], kept[key], shapes)
    cut = {
        "prefix": metadata.get("targetPrefix", ""),
        "version": metadata["apiVersion"],
        "operations": operations,
        "routes": routes(model) if metadata["protocol"].startswith("rest-") else {},
        "shapes": {shape: shapes[shape] for shape in sorted(shapes)},
    }
    return cut


def reach(all_shapes: dict[str, Any], name: str, found: dict[str, Any]) -> None:
    """Adds a shape and all that it is made of."""
    if name in found:
        return
    shape = all_shapes[name]
    kept = {key: shape[key] for key in SHAPE if key in shape}
    found[name] = kept
    for key in ("member", "key", "value"):
        if key in shape:
            kept[key] = reference(shape[key])
            reach(all_shapes, shape[key]["shape"], found)
    if "members" in shape:
        kept["members"] = {member: reference(told) for member, told in shape["members"].items()}
        for member in shape["members"].values():
            reach(all_shapes, member["shape"], found)


def reference(member: dict[str, Any]) -> dict[str, Any]:
    return {"shape": member["shape"], **{key: member[key] for key in MEMBER if key in member}}


def routes(model: dict[str, Any]) -> dict[str, Any]:
    """Method, path and the parameters and headers without which a request is another operation's."""
    found = {}
    for name, operation in sorted(model["operations"].items()):
        path, _, query = operation["http"]["requestUri"].partition("?")
        route = {"method": operation["http"]["method"], "path": path}
        shape = model["shapes"].get(operation.get("input", {}).get("shape"), {})
        required = [shape["members"][member] for member in shape.get("required", [])]
        named = {location: sorted(member["locationName"] for member in required if member.get("location") == location)
                 for location in ("querystring", "header")}
        # S3 alone tells operations of one path apart by these.
        if fixed := [part for part in re.split("&", query) if part]:
            route["query"] = fixed
        if model["metadata"]["endpointPrefix"] == "s3":
            if named["querystring"]:
                route["query"] = route.get("query", []) + named["querystring"]
            if named["header"]:
                route["headers"] = named["header"]
        found[name] = route
    return found


def text(model: dict[str, Any]) -> str:
    """JSON with an operation, a route or a shape a line."""
    lines = []
    for key, value in model.items():
        if isinstance(value, dict):
            entries = [f"    {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items()]
            inner = "{\n" + ",\n".join(entries) + "\n  }" if entries else "{}"
        else:
            inner = json.dumps(value)
        lines.append(f"  {json.dumps(key)}: {inner}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def trimmed() -> dict[Path, str]:
    """The text of each file."""
    loader = Loader()
    return {
        HERE / f"{name}.json": text(service(name, loader.load_service_model(name, "service-2")))
        for name in OPERATIONS
    }


if __name__ == "__main__":
    for file, content in trimmed().items():
        file.write_text(content)
