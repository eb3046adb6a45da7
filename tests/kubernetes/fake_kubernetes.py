"""The fake Kubernetes API server (tests/fake-kubernetes) as a separate process for the duration of a `with` block."""

from __future__ import annotations

import base64
import json
import os
import secrets
import selectors
import ssl
import subprocess
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = Path(os.environ.get("FAKE_KUBERNETES", TARGET / "debug" / "fake-kubernetes"))

START_DEADLINE_SECONDS = 30
STOP_DEADLINE_SECONDS = 10


class FakeKubernetesError(RuntimeError):
    """The server did not start; the message has its output."""


class FakeKubernetes:
    """`with FakeKubernetes("--pods", "12") as kubernetes: ...`, with a token that has all permissions."""

    def __init__(self, *arguments: str, binary: Path = BINARY) -> None:
        self.token = secrets.token_urlsafe()
        self._command = [str(binary), "--token", self.token, *arguments]
        self._process: subprocess.Popen | None = None
        self.endpoint = ""
        # Base64 of the PEM, as in DescribeCluster.
        self.certificate_authority = ""

    def __enter__(self) -> FakeKubernetes:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        """Stops it: it serves until its standard input closes."""
        process, self._process = self._process, None
        if process is None:
            return
        process.stdin.close()
        try:
            process.wait(STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        finally:
            process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                # Its own process group: Ctrl-C reaches only this process, which then stops the
                # server.
                start_new_session=True,
            )
        except OSError as error:
            raise FakeKubernetesError(f"{error}. Build it: cargo build --workspace") from error
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(START_DEADLINE_SECONDS):
                raise FakeKubernetesError(f"fake-kubernetes said nothing within {START_DEADLINE_SECONDS} s")
        line = self._process.stdout.readline()
        if not line:
            raise FakeKubernetesError(f"fake-kubernetes ended with code {self._process.wait(STOP_DEADLINE_SECONDS)}")
        answer = json.loads(line)
        self.endpoint, self.certificate_authority = answer["endpoint"], answer["certificateAuthority"]
        try:
            health = self.get("/healthz")
        except OSError as error:
            raise FakeKubernetesError(f"fake-kubernetes does not answer: {error}") from error
        if health != "ok":
            raise FakeKubernetesError(f"fake-kubernetes calls itself {health}")

    def get(self, path: str) -> str:
        """The response to a caller with all permissions."""
        trust = ssl.create_default_context(cadata=base64.b64decode(self.certificate_authority).decode())
        request = urllib.request.Request(self.endpoint + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=START_DEADLINE_SECONDS, context=trust) as answer:
            return answer.read().decode()
