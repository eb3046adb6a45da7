"""Issue 14, point 7: `make deploy` refuses what would fail later. `sam` is a script here that copies a build."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import deploy
import pytest
import samconfig
from deployment import ROOT

MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}
SAM = """#!/bin/sh
echo "$@" >> {calls}
if [ "$1" = --version ]; then echo 'SAM CLI, version {version}'; exit 0; fi
if [ "$1" = build ]; then mkdir -p .aws-sam && cp -r {built} .aws-sam/build; fi
"""


class Project:
    """A folder with a samconfig.toml, and a `sam` on the way that builds for some processor."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder, self.root, self.calls = folder, folder / "project", folder / "calls"
        self.root.mkdir()
        shutil.copy(ROOT / "samconfig.example.toml", self.root / "samconfig.toml")
        monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.defpath}")
        self.install()

    def install(self, version: str = "1.170.0", builds: str = "arm64", template: str = "{}") -> None:
        for function in ("PlanRun", "CollectPods"):
            bootstrap = self.folder / "built" / function / "bootstrap"
            bootstrap.parent.mkdir(parents=True, exist_ok=True)
            bootstrap.write_bytes(b"\x7fELF" + bytes(14) + MACHINES[builds].to_bytes(2, "little") + bytes(40))
        (self.folder / "built" / "template.yaml").write_text(template)
        program = self.folder / "bin" / "sam"
        program.parent.mkdir(exist_ok=True)
        program.write_text(SAM.format(calls=self.calls, version=version, built=self.folder / "built"))
        program.chmod(0o755)

    def configure(self, old: str, new: str) -> None:
        config = self.root / "samconfig.toml"
        assert old in config.read_text()
        config.write_text(config.read_text().replace(old, new))

    def deploy(self, *arguments: str) -> int:
        return deploy.main(list(arguments), self.root)

    @property
    def commands(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    return Project(tmp_path, monkeypatch)


def test_example_is_built_and_deployed(project) -> None:
    assert project.deploy() == 0
    assert project.commands == ["--version", "build --config-env default", "deploy --config-env default"]


@pytest.mark.parametrize("version", ["1.155.2", "1.99.9", "0.53.0"])
def test_a_sam_that_wants_a_beta_flag_is_refused_before_it_builds(project, version: str, capsys) -> None:
    project.install(version=version)
    assert project.deploy() == 1
    assert project.commands == ["--version"]
    said = capsys.readouterr().err
    assert version in said and "1.156.0" in said


@pytest.mark.parametrize("version", ["1.156.0", "1.200.1", "2.0.0"])
def test_a_newer_sam_is_taken(project, version: str) -> None:
    project.install(version=version)
    assert project.deploy() == 0


def test_no_sam_is_refused(project, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(project.root))
    assert project.deploy() == 1
    assert "SAM CLI is missing" in capsys.readouterr().err


def test_two_architectures_in_samconfig_are_refused_before_it_builds(project, capsys) -> None:
    project.configure('[default.deploy.parameters]\nparameter_overrides = "Architecture=arm64 ',
                      '[default.deploy.parameters]\nparameter_overrides = "Architecture=x86_64 ')
    assert project.deploy() == 1
    assert project.commands == ["--version"]
    assert "builds for arm64 and deploys for x86_64" in capsys.readouterr().err


def test_an_architecture_for_one_command_alone_is_refused(project, capsys) -> None:
    project.configure('[default.build.parameters]\nparameter_overrides = "Architecture=arm64"', "")
    assert project.deploy() == 0, "arm64 is the default"
    project.configure("Architecture=arm64 ", "Architecture=x86_64 ")
    assert project.deploy() == 1
    assert "builds for arm64 and deploys for x86_64" in capsys.readouterr().err


def test_a_build_for_the_other_processor_is_not_deployed(project, capsys) -> None:
    project.install(builds="x86_64")
    assert project.deploy() == 1
    assert not any(command.startswith("deploy") for command in project.commands)
    assert "was built for x86_64 and would be deployed for arm64" in capsys.readouterr().err


def test_x86_64_is_deployed_where_both_say_so(project) -> None:
    project.install(builds="x86_64")
    project.configure("Architecture=arm64", "Architecture=x86_64")
    assert project.deploy() == 0


def test_a_long_template_needs_a_bucket(project, capsys) -> None:
    project.install(template="#" * 51_201)
    assert project.deploy() == 0
    project.configure("resolve_s3 = true\n", "")
    shutil.rmtree(project.root / ".aws-sam")
    assert project.deploy() == 1
    assert "51,201 bytes" in capsys.readouterr().err


def test_without_samconfig_it_says_how_to_make_one(project, capsys) -> None:
    (project.root / "samconfig.toml").unlink()
    assert project.deploy() == 1
    assert "cp samconfig.example.toml samconfig.toml" in capsys.readouterr().err


def test_another_environment_is_selected_by_name(project, capsys) -> None:
    assert project.deploy("production") == 1
    assert "[production." in capsys.readouterr().err


def test_example_has_both_commands_with_one_architecture() -> None:
    config = tomllib.loads((ROOT / "samconfig.example.toml").read_text())["default"]
    for command in ("build", "deploy"):
        assert samconfig.overrides(config[command]["parameters"])["Architecture"] == "arm64", command
    assert config["deploy"]["parameters"]["resolve_s3"] is True


def test_samconfig_of_users_is_not_committed() -> None:
    ignored = subprocess.run(["git", "check-ignore", "samconfig.toml"], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout.strip() == "samconfig.toml"
    example = subprocess.run(["git", "check-ignore", "samconfig.example.toml"], cwd=ROOT, capture_output=True, text=True)
    assert example.stdout == ""


@pytest.mark.parametrize("given", [
    "ParameterKey=Architecture,ParameterValue=x86_64 Email=me@example.org",
    ["ParameterKey=Architecture,ParameterValue=x86_64", "Email=me@example.org"],
    'Architecture=x86_64 Email="me@example.org"',
])
def test_both_forms_of_overrides_are_read(given: str | list[str]) -> None:
    found = samconfig.overrides({"parameter_overrides": given})
    assert found == {"Architecture": "x86_64", "Email": "me@example.org"}
