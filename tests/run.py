"""`make test`: everything that CI runs, the cheap gates first. The last line counts the tests: passed, failed, skipped.

A failed gate ends the run, because later gates would only repeat it; the tests themselves are all run, so that one run
shows everything that is broken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PYTHON = sys.executable
TOOLS = Path(PYTHON).parent


@dataclass(frozen=True)
class Gate:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    # The lines that count tests; the output of a failed test may contain such lines of other
    # runners.
    counted: str = r"$^"
    may_be_empty: bool = False


GATES = [
    Gate("format", ["cargo", "fmt", "--all", "--check"]),
    Gate("template lint", [str(TOOLS / "cfn-lint"), "template.yaml", "member.template.yaml"]),
    # The domain has to compile by itself, without features that other crates enable in its
    # dependencies.
    Gate("domain alone", ["cargo", "check", "--package", "fargaze"]),
    Gate("clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
    Gate("rustdoc", ["cargo", "doc", "--workspace", "--no-deps", "--document-private-items"],
         {"RUSTDOCFLAGS": "--deny warnings"}),
]

# The same cases in each run, so that a failure comes from the change; `make properties` draws
# others.
SAME_CASES = {seed: os.environ.get(seed, "1") for seed in ["PROPTEST_RNG_SEED", "FARGAZE_SEED"]}

# "12 tests run: 11 passed (1 slow), 1 failed, 0 skipped"
NEXTEST = r"^Summary .* tests? run: "
# "test result: ok. 3 passed; 0 failed; 0 ignored; ...", one line for each binary
CARGO_TEST = r"^test result: "
# "===== 2 failed, 30 passed in 12.30s ====="
PYTEST = r"^=+ (\d+ \w+, )*\d+ \w+ in [\d.]+s"

if shutil.which("cargo-nextest"):
    RUST_TESTS = Gate("Rust tests", ["cargo", "nextest", "run", "--workspace", "--no-fail-fast"],
                      SAME_CASES, counted=NEXTEST)
else:
    RUST_TESTS = Gate("Rust tests", ["cargo", "test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"],
                      SAME_CASES, counted=CARGO_TEST)

TESTS = [
    RUST_TESTS,
    Gate("documentation tests", ["cargo", "test", "--workspace", "--doc", "--no-fail-fast"],
         counted=CARGO_TEST, may_be_empty=True),
    # After the Rust tests, which record the calls that are compared with the roles.
    Gate("template, document, kubectl, boto3 and stack tests",
         [PYTHON, "-m", "pytest", "tests/template", "tests/figures", "tests/kubernetes", "tests/fake-aws", "tests/stack"],
         counted=PYTEST),
]

# Each runner's words for the three counts in the last line.
WORDS = {
    "passed": "passed",
    "failed": "failed", "error": "failed", "errors": "failed", "timed out": "failed",
    "skipped": "skipped", "ignored": "skipped", "xfailed": "skipped",
}
COUNT = re.compile(rf"(\d+) ({'|'.join(WORDS)})\b")
COLOUR = re.compile(r"\x1b\[[0-9;]*[a-zA-Z]")


def main() -> int:
    start = time.monotonic()
    total: Counter[str] = Counter()
    broken = []
    for gate in GATES:
        code, _ = run(gate)
        if code != 0:
            broken.append(gate.name)
            break
    # Removes calls recorded from an earlier state of the code; the Rust tests record them again.
    (TARGET / "recorded-calls.json").unlink(missing_ok=True)
    for gate in TESTS if not broken else []:
        code, counts = run(gate)
        total += counts
        if code != 0:
            broken.append(gate.name)
            # A runner that failed without counting a failed test (for example, it did not compile)
            # is a failure, too.
            total["failed"] += counts["failed"] == 0
        elif counts["passed"] == 0 and not gate.may_be_empty:
            broken.append(f"{gate.name} (none was run)")
            total["failed"] += 1
    total["failed"] += bool(broken) and total["failed"] == 0
    print()
    for name in broken:
        print(f"Failed: {name}")
    print(f"Took {(time.monotonic() - start) / 60:.1f} minutes.")
    print(last_line(total), flush=True)
    return 1 if broken else 0


def last_line(total: Counter[str]) -> str:
    return f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"


def run(gate: Gate) -> tuple[int, Counter[str]]:
    """Runs the command, shows its output, and counts: its exit code, and tests passed, failed and skipped."""
    print(f"\n--- {gate.name}: {' '.join(shown(part) for part in gate.command)}", flush=True)
    start = time.monotonic()
    colour = {"CARGO_TERM_COLOR": "always", "FORCE_COLOR": "1"} if sys.stdout.isatty() else {}
    counts: Counter[str] = Counter()
    with subprocess.Popen(
        gate.command, cwd=ROOT, env={**colour, **os.environ, **gate.environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                counts += counted(gate, line)
        except BaseException:
            # Ctrl-C has reached the command as well; it gets time to stop what it started.
            process.wait()
            raise
    print(f"--- {gate.name}: {'ok' if process.returncode == 0 else 'FAILED'}, {time.monotonic() - start:.1f} s",
          flush=True)
    return process.returncode, counts


def counted(gate: Gate, line: str) -> Counter[str]:
    """The tests that a runner's line counts; None for any other line."""
    plain = COLOUR.sub("", line).strip()
    counts: Counter[str] = Counter()
    if re.search(gate.counted, plain):
        for count, word in COUNT.findall(plain):
            counts[WORDS[word]] += int(count)
    return counts


def shown(part: str) -> str:
    path = Path(part)
    return str(path.relative_to(ROOT)) if path.is_absolute() and path.is_relative_to(ROOT) else part


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
