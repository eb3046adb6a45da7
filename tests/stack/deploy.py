"""`make deploy`: builds and deploys to your AWS account according to samconfig.toml, and reports problems beforehand.

Everything that it refuses would otherwise fail late: after a quarter of an hour of compiling, or in functions that do
not start.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import samconfig
from deployment import ROOT

# The first release without a beta flag for BuildMethod rust-cargolambda (aws-sam-cli, pull request 8526).
SAM_VERSION = (1, 156, 0)
# CloudFormation accepts a longer template from S3 only (AWS CloudFormation User Guide,
# "CloudFormation quotas").
MAX_TEMPLATE_BYTES = 51_200
# e_machine of an ELF file: its processor.
PROCESSORS = {0x3E: "x86_64", 0xB7: "arm64"}
DEFAULT_ARCHITECTURE = "arm64"


class Refused(Exception):
    """Why it is not deployed, and the remedy."""


def main(arguments: list[str], root: Path = ROOT) -> int:
    if len(arguments) > 1:
        print("usage: deploy.py [CONFIG_ENV]", file=sys.stderr)
        return 2
    environment = (arguments or ["default"])[0]
    try:
        check_sam()
        config = samconfig.read(root / "samconfig.toml", environment)
        architecture = architecture_of(config, environment)
        sam(root, "build", environment)
        check_build(root / ".aws-sam" / "build", architecture)
        check_size(root / ".aws-sam" / "build" / "template.yaml", samconfig.parameters(config, "deploy"))
        sam(root, "deploy", environment)
    except (Refused, samconfig.Unusable) as refused:
        print(refused, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        # sam has printed the reason.
        return failed.returncode
    except KeyboardInterrupt:
        return 130
    return 0


def check_sam() -> None:
    if shutil.which("sam") is None:
        raise Refused(f"The SAM CLI is missing; fargaze needs {dotted(SAM_VERSION)} or newer: pip install aws-sam-cli, or see "
                      "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/install-sam-cli.html")
    said = subprocess.run(["sam", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    if found is None:
        raise Refused(f"`sam --version` says {said.strip()!r}, which is no version of the SAM CLI.")
    if tuple(int(part) for part in found.groups()) < SAM_VERSION:
        raise Refused(f"The SAM CLI is {found[0]}, and only {dotted(SAM_VERSION)} and newer build Rust without a beta flag. "
                      "Update it: pip install --upgrade aws-sam-cli")


def architecture_of(config: dict, environment: str) -> str:
    """The processor, which must be the same for both commands."""
    wanted = {command: samconfig.overrides(samconfig.parameters(config, command)).get("Architecture", DEFAULT_ARCHITECTURE)
            for command in ("build", "deploy")}
    if wanted["build"] != wanted["deploy"]:
        raise Refused(
            f"samconfig.toml builds for {wanted['build']} and deploys for {wanted['deploy']}: the functions would not start. Write the "
            f"same Architecture into parameter_overrides of [{environment}.build.parameters] and [{environment}.deploy.parameters]."
        )
    return wanted["build"]


def check_build(folder: Path, architecture: str) -> None:
    """Whether all functions were built for this processor; an older build may be for the other."""
    bootstraps = sorted(folder.glob("*/bootstrap"))
    if not bootstraps:
        raise Refused(f"sam build left no bootstrap in {folder}.")
    for bootstrap in bootstraps:
        head = bootstrap.read_bytes()[:20]
        processor = PROCESSORS.get(int.from_bytes(head[18:20], "little")) if head[:4] == b"\x7fELF" else None
        if processor != architecture:
            raise Refused(
                f"{bootstrap.parent.name} was built for {processor or 'an unknown processor'} and would be deployed for "
                f"{architecture}, so it would not start. Remove .aws-sam and target/lambda, and build it again."
            )


def check_size(template: Path, found: dict) -> None:
    size = template.stat().st_size
    if size > MAX_TEMPLATE_BYTES and not (found.get("resolve_s3") or found.get("s3_bucket")):
        raise Refused(f"The template has {size:,} bytes, and CloudFormation takes more than {MAX_TEMPLATE_BYTES:,} from S3 only. "
                      "Write resolve_s3 = true into samconfig.toml.")


def sam(root: Path, command: str, environment: str) -> None:
    # `make setup` installs cargo-lambda next to this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    subprocess.run(["sam", command, "--config-env", environment], cwd=root, env={**os.environ, "PATH": path}, check=True)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
