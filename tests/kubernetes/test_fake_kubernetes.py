"""The fake Kubernetes API server listens on loopback only, and ends with its parent process, however that ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fake_kubernetes import FakeKubernetes, FakeKubernetesError

PROGRAM = """
import signal, sys, time
from fake_kubernetes import FakeKubernetes
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
# A shell that starts tests in the background has them ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
with FakeKubernetes("--pods", "1") as kubernetes:
    print(kubernetes.pid, kubernetes.endpoint, flush=True)
    time.sleep(600)
"""


def is_served(endpoint: str) -> bool:
    place = urlsplit(endpoint)
    with socket.socket() as probe:
        return probe.connect_ex((place.hostname, place.port)) == 0


def has_ended(pid: str) -> bool:
    """Whether the process has ended; a zombie counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_serves_on_loopback_until_its_block_ends() -> None:
    with FakeKubernetes("--pods", "1") as kubernetes:
        assert urlsplit(kubernetes.endpoint).hostname == "127.0.0.1" and is_served(kubernetes.endpoint)
    assert not is_served(kubernetes.endpoint)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ends_with_whoever_started_it(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as program:
        try:
            pid, endpoint = program.stdout.readline().split()
            assert is_served(endpoint)
            program.send_signal(ending)
            program.wait(30)
        finally:
            program.kill()
    deadline = time.monotonic() + 10
    while not has_ended(pid):
        assert time.monotonic() < deadline, "it is still running"
        time.sleep(0.05)
    assert not is_served(endpoint)


def test_a_token_of_any_signer_is_not_any_token() -> None:
    with FakeKubernetes("--cluster", "platform", "--any-signer", "--pods", "1") as kubernetes:
        assert "items" in kubernetes.get("/api/v1/pods")
        kubernetes.token = "k8s-aws-v1.this-is-none"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            kubernetes.get("/api/v1/pods")


def test_says_why_it_did_not_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FakeKubernetesError, match="cargo build"), FakeKubernetes(binary=tmp_path / "missing"):
        pass
    with pytest.raises(FakeKubernetesError, match="ended with code 1"), FakeKubernetes("--bogus"):
        pass
    assert "usage: fake-kubernetes" in capfd.readouterr().err
