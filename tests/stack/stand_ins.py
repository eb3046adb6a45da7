"""Stand-ins for the functions, so that the state machine itself can be tested on every path.

Each is a zip with a `bootstrap` in Python that implements Lambda's Runtime API and answers with its few lines.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

# What a stand-in may raise: `errorType` is what the state machine's Retry and Catch see.
BOOTSTRAP = '''#!/usr/bin/env python3
import json, os, urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


class Failed(Exception):
    """errorType, errorMessage"""


ANSWER

while True:
    with urllib.request.urlopen(f"{API}/next", timeout=None) as invocation:
        request, event = invocation.headers["Lambda-Runtime-Aws-Request-Id"], json.load(invocation)
    try:
        path, body = "response", answer(event)
    except Failed as failure:
        path, body = "error", {"errorType": failure.args[0], "errorMessage": failure.args[1]}
    urllib.request.urlopen(
        urllib.request.Request(f"{API}/{request}/{path}", json.dumps(body).encode(), method="POST")
    ).close()
'''


def archive(folder: Path, name: str, answer: str) -> Path:
    """The zip of a stand-in. `answer` is the source of a function `answer(event)`."""
    target = folder / f"{name}.zip"
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(target, "w") as out:
        out.writestr(entry, BOOTSTRAP.replace("ANSWER", answer))
    return target
