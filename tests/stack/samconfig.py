"""samconfig.toml, from which `make deploy` and `make delete` read the account and the Region."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path


class Unusable(Exception):
    """Why the file cannot be used, and the remedy."""


def read(path: Path, environment: str) -> dict:
    """The file's content for an environment: for each command its parameters."""
    if not path.exists():
        raise Unusable(f"{path.name} is missing. Make one: cp samconfig.example.toml samconfig.toml, and write your address into it.")
    try:
        config = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"{path.name} cannot be read: {error}") from None
    if environment not in config:
        raise Unusable(f"{path.name} has no section [{environment}.…].")
    return config[environment]


def parameters(config: dict, command: str) -> dict:
    """The parameters of a command, which override those of all commands."""
    return {**config.get("global", {}).get("parameters", {}), **config.get(command, {}).get("parameters", {})}


def overrides(found: dict) -> dict[str, str]:
    """parameter_overrides, which SAM accepts as text and as a list, of `Name=value` and of CloudFormation's own
    `ParameterKey=Name,ParameterValue=value`."""
    given = found.get("parameter_overrides", [])
    words = shlex.split(given) if isinstance(given, str) else given
    return dict(override(word) for word in words if "=" in word)


def override(word: str) -> tuple[str, str]:
    if long := re.fullmatch(r"ParameterKey=(.+?),ParameterValue=(.*)", word, re.DOTALL):
        return long[1], long[2]
    name, value = word.split("=", 1)
    return name, value
