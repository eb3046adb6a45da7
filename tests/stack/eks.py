"""An EKS cluster with an API server, on the local AWS.

The local AWS keeps EKS clusters as records: no API server runs behind them, and it has no route for Fargate profiles.
So the deployed functions call EKS at a stand-in, which forwards everything to the local AWS, writes the endpoint and CA
of the fake Kubernetes API server into its responses about one cluster, and answers for that cluster's Fargate profile
itself. Tokens are checked by the fake API server in everything but the signature, whose keys only the local AWS knows.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local_aws import ACCOUNT, LocalAws
from stack import Stack, wait_until

sys.path.append(str(Path(__file__).resolve().parents[1] / "kubernetes"))
from fake_kubernetes import BINARY, FakeKubernetes, FakeKubernetesError  # noqa: E402, F401 the demo catches it

PROFILE = "everything"
NAMESPACES = ["default", "kube-system", "odd", "payments", "shop", "web"]
# The functions that call EKS.
CALLERS = ["CollectLogs", "CollectPods", "EnableInsights"]
HEALTH = "/health"
DEADLINE_SECONDS = 60


@contextmanager
def answering(stack: Stack, cluster: str, *arguments: str, binary: Path = BINARY) -> Iterator[FakeKubernetes]:
    """Creates a cluster whose API server answers until the block ends. The arguments are those of fake-kubernetes."""
    with (
        FakeKubernetes("--cluster", cluster, "--any-signer", *arguments, binary=binary) as kubernetes,
        EksStandIn(stack.aws, cluster, kubernetes) as stand_in,
    ):
        create_cluster(stack.aws, cluster)
        for function in CALLERS:
            stack.put_environment(function, AWS_ENDPOINT_URL_EKS=stand_in.url)
        yield kubernetes


def create_cluster(aws: LocalAws, name: str) -> None:
    """Creates a cluster, and waits until it is ACTIVE."""
    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName=f"eks-{name}", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    eks, network = aws.client("eks"), {"subnetIds": ["subnet-0a", "subnet-0b"]}
    eks.create_cluster(name=name, version="1.33", roleArn=role, resourcesVpcConfig=network)
    wait_until(lambda: eks.describe_cluster(name=name)["cluster"]["status"] == "ACTIVE", 20, f"{name} is not ACTIVE")


class EksStandIn:
    """Between the functions and the local AWS's EKS, on a free loopback port."""

    def __init__(self, aws: LocalAws, cluster: str, kubernetes: FakeKubernetes) -> None:
        self._aws = aws
        self._own = f"/clusters/{cluster}"
        self._kubernetes = kubernetes
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> EksStandIn:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    status, headers, answer = stand_in._answer(self.command, self.path, dict(self.headers), body)
                except (OSError, http.client.HTTPException) as error:
                    status, headers, answer = 502, {}, json.dumps({"message": f"the local AWS did not answer: {error}"}).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            urllib.request.urlopen(self.url + HEALTH, timeout=DEADLINE_SECONDS).close()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        plain = path.split("?", 1)[0]
        own = {HEALTH: {}, **self._profiles()}.get(plain) if method == "GET" else None
        if own is not None:
            return 200, {"Content-Type": "application/json"}, json.dumps(own).encode()
        status, headers, answer = self._pass_on(method, path, headers, body)
        if (method, plain, status) == ("GET", self._own, 200):
            answer = self._with_endpoint(answer)
        return status, headers, answer

    def _profiles(self) -> dict[str, dict]:
        """ListFargateProfiles and DescribeFargateProfile, by path."""
        profile = {
            "fargateProfileName": PROFILE,
            "clusterName": self._own.rsplit("/", 1)[-1],
            "podExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/pods",
            "selectors": [{"namespace": namespace} for namespace in NAMESPACES],
            "status": "ACTIVE",
        }
        listed = f"{self._own}/fargate-profiles"
        return {listed: {"fargateProfileNames": [PROFILE]}, f"{listed}/{PROFILE}": {"fargateProfile": profile}}

    def _pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Calls the local AWS with the caller's own signature, which covers the host, so that the caller's permissions
        apply."""
        trust = ssl.create_default_context(cafile=self._aws.environment["AWS_CA_BUNDLE"])
        connection = http.client.HTTPSConnection("127.0.0.1", self._aws.port, timeout=DEADLINE_SECONDS, context=trust)
        hop = {"connection", "content-length", "transfer-encoding"}
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in hop}
            connection.request(method, path, body=body, headers=kept)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in hop | {"date", "server"}}
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _with_endpoint(self, answer: bytes) -> bytes:
        described = json.loads(answer)
        described["cluster"]["endpoint"] = self._kubernetes.endpoint
        described["cluster"]["certificateAuthority"] = {"data": self._kubernetes.certificate_authority}
        return json.dumps(described).encode()
