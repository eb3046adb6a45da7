"""Receives the messages of a topic, as an HTTP subscription on loopback, and answers SNS's confirmation request."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local_aws import LocalAws


@dataclass(frozen=True)
class Mail:
    subject: str
    body: str
    attributes: dict

    @property
    def is_sendable(self) -> bool:
        """Whether SNS accepts the subject for an email: printable ASCII, fewer than 100 characters."""
        return self.subject.isascii() and self.subject.isprintable() and 0 < len(self.subject) < 100


class Mailbox:
    """`with Mailbox(aws, topic) as mailbox: ...; mailbox.wait_for(1)`"""

    def __init__(self, aws: LocalAws, topic: str) -> None:
        self._aws = aws
        self._topic = topic
        self._arrived = threading.Condition()
        self._mails: list[Mail] = []
        self._confirmed = False
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Mailbox:
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                mailbox._take(json.loads(body))

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            endpoint = f"http://127.0.0.1:{self._server.server_port}/"
            self._aws.client("sns").subscribe(TopicArn=self._topic, Protocol="http", Endpoint=endpoint)
            self._wait(lambda: self._confirmed, 20, "SNS did not request the confirmation of the subscription")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __len__(self) -> int:
        with self._arrived:
            return len(self._mails)

    def wait_for(self, count: int, seconds: float = 60) -> list[Mail]:
        """All mails, once there are at least this many."""
        self._wait(lambda: len(self._mails) >= count, seconds, f"fewer than {count} mails came")
        with self._arrived:
            return list(self._mails)

    def _take(self, envelope: dict) -> None:
        if envelope["Type"] == "SubscriptionConfirmation":
            # Only the subscribed topic, and only at this AWS, whatever address the message names.
            if envelope["TopicArn"] == self._topic:
                self._aws.client("sns").confirm_subscription(TopicArn=self._topic, Token=envelope["Token"])
                with self._arrived:
                    self._confirmed = True
                    self._arrived.notify_all()
        elif envelope["Type"] == "Notification":
            mail = Mail(envelope.get("Subject") or "", envelope["Message"], envelope.get("MessageAttributes") or {})
            with self._arrived:
                self._mails.append(mail)
                self._arrived.notify_all()

    def _wait(self, done, seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        with self._arrived:
            while not done():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{otherwise} within {seconds:.0f} s")
                self._arrived.wait(left)
