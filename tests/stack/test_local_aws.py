"""The local AWS listens on loopback only, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from local_aws import LocalAws, LocalAwsError
from stack import wait_until

# By default Python exits without cleanup at SIGTERM; this handler, as in the demo, prevents that. It is installed before the
# first line is printed, because the signal may arrive right after it.
PROGRAM = """
import signal, sys, time
from local_aws import LocalAws
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
# A shell's background jobs ignore it, and so would this process.
signal.signal(signal.SIGINT, signal.default_int_handler)
with LocalAws() as aws:
    print(aws.port, aws.pid, aws.folder, flush=True)
    {then}
"""


def listening(group: int) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket on which a process of the group listens, from Linux's /proc."""
    inodes = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and group_of(int(process.name)) == group:
            for descriptor in (process / "fd").iterdir():
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                address, port = columns[1].split(":")
                found.add((address, int(port, 16)))
    return found


def group_of(process: int) -> int | None:
    """The process's group; None if it has ended, even as a zombie."""
    try:
        state, _, group = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(group)


def processes_of(group: int) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and group_of(int(entry.name)) == group]


def test_listens_on_loopback_alone() -> None:
    with LocalAws() as aws:
        assert listening(aws.pid) == {("0100007F", aws.port)}


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_leaves_nothing_when_stopped(ending: signal.Signals) -> None:
    assert_leaves_nothing("time.sleep(600)", ending)


def test_leaves_nothing_after_a_failure() -> None:
    assert_leaves_nothing("raise RuntimeError('on purpose')", None)


def assert_leaves_nothing(then: str, ending: signal.Signals | None) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(then=then)],
        cwd=Path(__file__).parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        port, group, folder = program.stdout.readline().split()
        if ending is not None:
            program.send_signal(ending)
        program.wait(30)
    finally:
        program.kill()
        program.wait()
    wait_until(lambda: processes_of(int(group)) == [], 10, "processes are left")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0, "something listens still"
    assert not Path(folder).exists()


def test_says_why_it_did_not_start(monkeypatch) -> None:
    # A port that is in use: the message has ministack's output.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr("local_aws.free_port", lambda: taken.getsockname()[1])
        with pytest.raises(LocalAwsError, match="(?i)address already in use|ended with code"):
            LocalAws().start()
