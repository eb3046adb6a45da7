"""A local AWS (ministack) on loopback, for the duration of a `with` block.

Three design decisions:

* It uses TLS, with a certificate made for this run: the policies of template.yaml refuse plain HTTP, and are tested
  unchanged.
* IAM is enforced (`AUTH=true`): every function runs with its own role from template.yaml.
* ministack opens a second port for IoT's MQTT on all interfaces unless `IOT_MTLS_ENABLED=0`.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import botocore.config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REGION = "eu-west-1"
ACCOUNT = "123456789012"

START_DEADLINE_SECONDS = 60
STOP_DEADLINE_SECONDS = 10


class LocalAwsError(RuntimeError):
    """The local AWS did not start or failed; the message says why."""


class LocalAws:
    """`with LocalAws() as aws: aws.client("ecs").create_cluster(...)`"""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fargaze-local-aws-"))
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.log = self.folder / "ministack.log"
        self._certificate = self.folder / "certificate.pem"
        self._process: subprocess.Popen | None = None
        self._clients: dict[str, object] = {}

    def __enter__(self) -> LocalAws:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """The environment with which a command uses this AWS instead of the real one."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self._certificate),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def client(self, service: str, **credentials):
        """A boto3 client of this AWS: by default with the permissions of the account's root, as in a deployment."""
        if credentials:
            return self._new_client(service, **credentials)
        if service not in self._clients:
            self._clients[service] = self._new_client(service, aws_access_key_id="test", aws_secret_access_key="test")
        return self._clients[service]

    def _new_client(self, service: str, **credentials):
        return boto3.session.Session().client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            verify=str(self._certificate),
            config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 3}),
            **credentials,
        )

    def start(self) -> None:
        """Starts ministack and waits until it answers. On any failure nothing is left running."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        key = self.folder / "key.pem"
        make_certificate(self._certificate, key)
        # Functions inherit this environment, so it has what they need to find this AWS and nothing
        # of the caller's.
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "PYTHONPATH": str(Path(__file__).parent),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            # A minute between two attempts of a state takes a second.
            "SFN_WAIT_SCALE": "0.02",
            "SFTP_ENABLED": "0",
            # Makes the addresses that it returns (of queues, for example) https.
            "USE_SSL": "1",
            "AWS_ENDPOINT_URL": self.url,
            "SSL_CERT_FILE": str(self._certificate),
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                # ministack's server without ministack's own start command, which with TLS uses port
                # 443 as well.
                [
                    sys.executable, "-m", "hypercorn", "local_app:app",
                    "--bind", f"127.0.0.1:{self.port}",
                    "--certfile", str(self._certificate),
                    "--keyfile", str(key),
                    "--keep-alive", "75",
                ],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its own process group: Ctrl-C reaches only this process, which then stops
                # ministack and the functions that it started.
                start_new_session=True,
            )
        self._await_health()

    def _await_health(self) -> None:
        trust = ssl.create_default_context(cafile=str(self._certificate))
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LocalAwsError(f"ministack ended with code {self._process.returncode}:\n{self.tail()}")
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2, context=trust) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise LocalAwsError(f"ministack did not answer within {START_DEADLINE_SECONDS} s:\n{self.tail()}")

    def tail(self, lines: int = 30) -> str:
        """The end of ministack's own log, for error messages."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Stops ministack and the functions it started. Safe to call twice."""
        process, self._process = self._process, None
        try:
            if process is not None:
                signal_group(process.pid, signal.SIGTERM)
                process.wait(STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process is not None:
                # ministack leaves the functions that it started running.
                signal_group(process.pid, signal.SIGKILL)
                process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)


def signal_group(group: int, number: int) -> None:
    """Signals a process group started here, if any process of it is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(certificate: Path, key: Path) -> None:
    """A self-signed certificate for loopback, valid for a day; only the current user can read its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fargaze local AWS")])
    now = datetime.datetime.now(datetime.timezone.utc)
    loopback = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(loopback), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
