"""The tree of crates: one TLS stack, a domain that does not depend on AWS, and border crates that do not depend on each
other."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict

from template import ROOT

# Crates that the domain must not depend on: AWS, HTTP, TLS and async runtimes.
IMPURE = re.compile(r"(aws-|aws_|lambda|hyper|http|h2|rustls|tokio|futures|reqwest|kube)")


def features(edges: str) -> dict[str, str]:
    """Name and version -> features of every crate of a build of the workspace."""
    command = ["cargo", "tree", "--locked", "--workspace", "--edges", edges, "--prefix", "none", "--format", "{p}|{f}"]
    tree = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert tree.returncode == 0, tree.stderr
    lines = (line.removesuffix(" (*)").split("|") for line in tree.stdout.splitlines() if line)
    return dict(lines)


def test_a_build_with_tests_has_the_features_of_one_without() -> None:
    """Otherwise cargo compiles the whole SDK twice: minutes of CI."""
    without, with_tests = features("normal,build"), features("normal,build,dev")
    assert without
    assert {crate: (feature, with_tests[crate]) for crate, feature in without.items() if with_tests[crate] != feature} == {}


def crates(*arguments: str) -> dict[str, set[str]]:
    """Name -> versions of every crate compiled into the product."""
    tree = subprocess.run(
        ["cargo", "tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}", *arguments],
        cwd=ROOT, capture_output=True, text=True,
    )
    assert tree.returncode == 0, tree.stderr
    found = defaultdict(set)
    for line in tree.stdout.splitlines():
        if line:
            name, version = line.split()[:2]
            found[name].add(version)
    return found


def test_there_is_one_tls_stack() -> None:
    found = crates("--workspace")
    assert not found.keys() & {"ring", "openssl-sys", "native-tls"}
    for crate in ("rustls", "hyper", "h2", "aws-lc-rs"):
        assert len(found[crate]) == 1, f"{crate}: {sorted(found[crate])}"


def test_domain_is_pure() -> None:
    found = crates("--package", "fargaze")
    assert "fargaze" in found
    assert [name for name in found if IMPURE.match(name)] == []


def test_borders_do_not_know_each_other() -> None:
    kubernetes, aws = crates("--package", "fargaze-kubernetes").keys(), crates("--package", "fargaze-aws").keys()
    assert [name for name in kubernetes if re.match(r"fargaze-aws|aws-sdk-|aws-config|lambda", name)] == []
    assert "fargaze" in kubernetes & aws and "fargaze-kubernetes" not in aws


def test_functions_do_not_depend_on_each_other() -> None:
    functions = {manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml")}
    for function in functions:
        assert crates("--package", function).keys() & functions == {function}
