"""The account setting of ECS that ministack lacks: `defaultLogDriverMode`, which AWS lists with its effective value whether
or not it was ever set (Amazon ECS Developer Guide, "Default log driver mode")."""

from __future__ import annotations

from ministack.core.responses import get_account_id
from ministack.services import ecs

NAME = "defaultLogDriverMode"
LIST = ecs._list_account_settings


def list_settings(data):
    if data.get("name") != NAME:
        return LIST(data)
    kept = ecs._account_settings.get(NAME)
    setting = {
        "name": NAME,
        "value": kept or "non-blocking",
        "principalArn": f"arn:aws:iam::{get_account_id()}:root",
        "type": "user" if kept else "aws_managed",
    }
    return ecs.json_response({"settings": [setting]})


def hold() -> None:
    """Installs it."""
    ecs._ACTION_MAP["ListAccountSettings"] = list_settings
