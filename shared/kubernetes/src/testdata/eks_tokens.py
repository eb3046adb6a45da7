"""Writes eks_tokens.json: what `aws eks get-token` prints with the clock stopped.

Run once with awscli 1.46.3 and freezegun 1.5.5 (both from PyPI): python eks_tokens.py > eks_tokens.json
The keys are the examples of the AWS documentation; no call is made to AWS.
"""

import contextlib
import io
import json
import os

from awscli.clidriver import create_clidriver
from freezegun import freeze_time

KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
SESSION = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ+/=="


def token(case):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ["AWS_ACCESS_KEY_ID"] = case["access_key_id"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = case["secret_access_key"]
    if case["session_token"]:
        os.environ["AWS_SESSION_TOKEN"] = case["session_token"]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_STS_REGIONAL_ENDPOINTS"] = "regional"
    arguments = ["eks", "get-token", "--cluster-name", case["cluster"], "--region", case["region"], "--output", "json"]
    printed = io.StringIO()
    with freeze_time(case["now"]), contextlib.redirect_stdout(printed):
        assert create_clidriver().main(arguments) == 0
    return json.loads(printed.getvalue())["status"]["token"]


def cases():
    for region in ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"):
        for session in (None, SESSION):
            case = {"cluster": "shop_1-prod", "region": region, "now": "2026-11-22T07:58:55Z", **KEYS, "session_token": session}
            yield {**case, "token": token(case)}


print(json.dumps(list(cases()), indent=1))
