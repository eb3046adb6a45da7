"""Matches events against EventBridge patterns, with the operators that the rule uses.

tests/stack checks the same on the local AWS, so this is not the only evidence.
"""

from __future__ import annotations


def matches(pattern: dict, event: dict) -> bool:
    for key, wanted in pattern.items():
        if isinstance(wanted, dict):
            if not matches(wanted, event.get(key) or {}):
                return False
        elif not any(one_matches(alternative, key, event) for alternative in wanted):
            return False
    return True


def one_matches(alternative, key: str, event: dict) -> bool:
    if isinstance(alternative, dict):
        if alternative.keys() == {"anything-but"}:
            return key in event and event[key] not in alternative["anything-but"]
        if alternative.keys() != {"exists"}:
            raise NotImplementedError(f"an operator that this matcher does not know: {alternative}")
        return (key in event) == alternative["exists"]
    value = event.get(key)
    return alternative in value if isinstance(value, list) else key in event and alternative == value
