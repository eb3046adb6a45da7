"""Proves that the simulation can fail: each patch in this folder adds one bug to a copy of the tree, and the simulation
must find it within the given number of runs.

    python tests/simulation/bugs/run.py [RUNS] [BUG...]

Without patch names, all patches are tried; patches whose names begin with `eks-` run in worlds with EKS clusters.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Shared with the tree, so that only the workspace's own crates are recompiled.
TARGET = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))


def main() -> int:
    runs = sys.argv[1] if len(sys.argv) > 1 else "10000"
    patches = [HERE / f"{name}.patch" for name in sys.argv[2:]] or sorted(HERE.glob("*.patch"))
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for patch in patches:
            tree = Path(folder) / "tree"
            shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("target", ".git", ".venv"))
            subprocess.run(["git", "apply", str(patch)], cwd=tree, check=True)
            missed += not found(patch.stem, tree, runs)
            shutil.rmtree(tree)
    return 1 if missed else 0


def found(bug: str, tree: Path, runs: str) -> bool:
    environment = {**os.environ, "CARGO_TARGET_DIR": TARGET}
    build = ["cargo", "build", "--quiet", "--workspace", "--bin", "simulation"]
    subprocess.run(build, cwd=tree, env=environment, check=True)
    start = time.monotonic()
    # EKS bugs only show in worlds with EKS clusters.
    sort = ["--eks"] if bug.startswith("eks-") else []
    simulation = subprocess.run(
        [str(Path(TARGET) / "debug" / "simulation"), *sort, runs], cwd=tree, env=environment, capture_output=True,
        text=True,
    )
    took = f"{time.monotonic() - start:.0f} s"
    seed = re.search(r"seed (\d+)", simulation.stderr)
    if simulation.returncode == 0 or seed is None:
        print(f"{bug}: NOT FOUND in {runs} runs, {took}", flush=True)
        return False
    print(f"{bug}: found in the world of seed {seed[1]} after {took}: {simulation.stderr.splitlines()[0][:200]}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
