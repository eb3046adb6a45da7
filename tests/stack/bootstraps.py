"""Builds the functions and zips each for Lambda: one executable called `bootstrap`.

This uses plain `cargo build` with the dev profile, not cargo-lambda, which always compiles for a named target and
therefore into a separate folder: everything would be compiled twice, once for the tests and once for the local stack.
`make build` makes the release bootstraps with cargo-lambda.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import zipfile
from pathlib import Path

from deployment import ROOT


class BuildError(RuntimeError):
    """cargo failed; the message has its output."""


def build(binaries: set[str], note=lambda text: None) -> dict[str, Path]:
    """The zip of each binary. `note` receives what is being compiled."""
    return archives_of(cargo_build(note), binaries, note)


def archives_of(executables: dict[str, Path], binaries: set[str], note=lambda text: None) -> dict[str, Path]:
    """The zip of each built binary."""
    if missing := binaries - executables.keys():
        raise BuildError(f"no binary of the workspace is called {', '.join(sorted(missing))}")
    archives = {}
    for binary in sorted(binaries):
        note(f"zipping {binary}")
        archives[binary] = archive(executables[binary])
    return archives


def cargo_build(note=lambda text: None) -> dict[str, Path]:
    """Every executable of the workspace, by name. Builds the whole workspace, as the tests do: a part would be compiled
    with other features, and so again."""
    command = ["cargo", "build", "--workspace", "--message-format=json-render-diagnostics"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never"},
    ) as cargo:
        said: list[str] = []
        reader = threading.Thread(target=follow, args=(cargo.stderr, said, note), daemon=True)
        reader.start()
        try:
            messages = [json.loads(line) for line in cargo.stdout if line.startswith("{")]
            code = cargo.wait()
        except BaseException:
            cargo.terminate()
            raise
        reader.join()
    if code != 0:
        raise BuildError("cargo build failed:\n" + "".join(said[-60:]))
    return {
        message["target"]["name"]: Path(message["executable"])
        for message in messages
        if message["reason"] == "compiler-artifact" and message.get("executable") and "bin" in message["target"]["kind"]
    }


def follow(stream, said: list[str], note) -> None:
    compiled = 0
    for line in stream:
        said.append(line)
        words = line.split()
        if len(words) >= 3 and words[0] == "Compiling":
            compiled += 1
            note(f"crate {compiled}: {words[1]}")


def archive(executable: Path) -> Path:
    """The zip next to the build's other results; rebuilt only if the executable is newer."""
    folder = executable.parent.parent / "local-stack"
    folder.mkdir(exist_ok=True)
    target = folder / f"{executable.name}.zip"
    if target.exists() and target.stat().st_mtime >= executable.stat().st_mtime:
        return target
    stripped = folder / executable.name
    if shutil.which("strip"):
        # A debug build with symbols is ten times as large, and the upload takes that much longer.
        subprocess.run(["strip", "-o", str(stripped), str(executable)], check=True)
    else:
        shutil.copy2(executable, stripped)
    # A fixed date, so that the same code gives the same zip and deploying it again changes nothing.
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    unfinished = target.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", compresslevel=1) as out:
        out.writestr(entry, stripped.read_bytes())
    stripped.unlink()
    unfinished.replace(target)
    return target
