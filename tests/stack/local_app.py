"""ministack with the AWS limits that it lacks (local_limits.py), with more of Logs Insights (local_insights.py), with
quotas (local_metrics.py), with an account setting (local_settings.py), and with one fix where its CloudFormation differs from AWS's and template.yaml is
affected.

AWS evaluates Fn::Join and Fn::Split inside conditions; ministack treats them as text, so that a condition with one is
never false. Here they are evaluated first, and then ministack does the rest.
"""

from __future__ import annotations

import sys

import local_insights
import local_limits
import local_metrics
import local_settings
from ministack.app import app  # noqa: F401 hypercorn serves it
from ministack.services.cloudformation import engine

EVALUATE = engine._evaluate_conditions


def evaluate_conditions(template: dict, parameters: dict) -> dict:
    conditions = {name: resolved(value, parameters) for name, value in template.get("Conditions", {}).items()}
    return EVALUATE({**template, "Conditions": conditions}, parameters)


def resolved(value, parameters: dict):
    """The value with every Fn::Join and Fn::Split in it evaluated."""
    if isinstance(value, list):
        return [resolved(entry, parameters) for entry in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("Fn::Join", [separator, entries])]:
            return separator.join(text(entries, parameters).split(","))
        case [("Fn::Split", [separator, of])]:
            return text(of, parameters).split(separator)
    return {key: resolved(entry, parameters) for key, entry in value.items()}


def text(value, parameters: dict) -> str:
    """A parameter's text; a list parameter is text with commas, too."""
    return str(parameters[value["Ref"]]["Value"]) if isinstance(value, dict) else value


for name, module in list(sys.modules.items()):
    if name.startswith("ministack.services.cloudformation") and hasattr(module, "_evaluate_conditions"):
        module._evaluate_conditions = evaluate_conditions

local_limits.hold()
local_insights.hold()
local_metrics.hold()
local_settings.hold()
