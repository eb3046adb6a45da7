"""The JSON Schema of fargaze.yaml accepts what the program accepts, and refuses what a schema can refuse.

A test of the crate checks that the committed schema matches the types."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
RULES = ROOT / "shared/domain/tests/rules"
SCHEMA = json.loads((ROOT / "docs/fargaze.schema.json").read_text())

# Errors that only the program finds: relations between two keys or values, units of measures, names
# of other rules, and YAML itself.
BEYOND_A_SCHEMA = {
    "cadvisor-is-off",
    "clear-threshold-above",
    "clear-threshold-unit",
    "clusters-pattern",
    "datapoints-to-alarm-many",
    "evaluation-periods-of-nothing-running",
    "evaluation-periods-of-tasks-failing",
    "evaluation-periods-over-a-day",
    "key-twice",
    "logs-mask-invalid",
    "logs-query-without-place",
    "maintenance-cron-field",
    "maintenance-duration-long",
    "maintenance-time-zone",
    "metric-brace-open",
    "metric-placeholder",
    "metric-placeholder-of-other-scope",
    "minimum-hold-long",
    "name-twice",
    "no-yaml",
    "policy-account-default-lowered",
    "policy-account-default-of-clusters",
    "policy-hands-off-and-more",
    "policy-log-groups-of-another-aspect",
    "policy-log-retention-of-clusters",
    "policy-names-nothing",
    "policy-of-other-platform",
    "remind-every-short",
    "services-of-cluster",
    "source-without-it",
    "statistic-of-computed",
    "statistic-percentile",
    "target-without-role",
    "task-families-of-service",
    "threshold-of-count",
    "threshold-unit",
    "turned-off-unknown",
    "unless-circle",
    "unless-itself",
    "unless-not-built-in",
    "unless-other-scope",
    "unless-turned-off",
    "unless-unknown",
    "what-amount",
    "what-not-per-cluster",
    "what-not-per-family",
}


def errors(path):
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(path.read_text()))]


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", [ROOT / "shared/domain/src/config/default.yaml", *sorted(RULES.glob("*.ok.yaml"))], ids=lambda p: p.name)
def test_a_good_file_is_taken(path):
    assert errors(path) == []


@pytest.mark.parametrize("path", sorted(RULES.glob("*.bad.yaml")), ids=lambda p: p.name)
def test_a_bad_file_is_refused(path):
    if path.name.removesuffix(".bad.yaml") in BEYOND_A_SCHEMA:
        try:
            found = errors(path)
        except yaml.YAMLError:
            return
        assert found == [], "a schema can refuse it after all: strike it off the list"
    else:
        assert errors(path)
