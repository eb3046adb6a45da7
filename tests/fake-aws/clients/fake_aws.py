"""The fake AWS (tests/fake-aws) as a separate process for the duration of a `with` block."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = Path(os.environ.get("FAKE_AWS", TARGET / "debug" / "fake-aws"))

START_DEADLINE_SECONDS = 30
STOP_DEADLINE_SECONDS = 10


class FakeAwsError(RuntimeError):
    """The server did not start; the message has its output."""


class FakeAws:
    """`with FakeAws("--clusters", "3") as aws: aws.client("ecs").list_clusters()`"""

    def __init__(self, *arguments: str, binary: Path = BINARY) -> None:
        self._command = [str(binary), "--until-eof", *arguments]
        self._process: subprocess.Popen | None = None
        # Its resources, by the names in its first line: endpoint, region, queueUrl, roleArn, ...
        self.offer: dict[str, str] = {}

    def __enter__(self) -> FakeAws:
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

    def client(self, service: str, **credentials: str):
        """A boto3 client without retries."""
        keys = credentials or {"aws_access_key_id": "fake", "aws_secret_access_key": "fake"}
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, ignore_configured_endpoint_urls=True)
        return boto3.client(
            service, endpoint_url=self.offer["endpoint"], region_name=self.offer["region"], config=config, **keys)

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                # Its own process group: Ctrl-C reaches only this process, which then stops the
                # server.
                start_new_session=True,
            )
        except OSError as error:
            raise FakeAwsError(f"{error}. Build it: cargo build --workspace") from error
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(START_DEADLINE_SECONDS):
                raise FakeAwsError(f"fake-aws said nothing within {START_DEADLINE_SECONDS} s")
        line = self._process.stdout.readline()
        if not line:
            raise FakeAwsError(f"fake-aws ended with code {self._process.wait(STOP_DEADLINE_SECONDS)}")
        self.offer = json.loads(line)
