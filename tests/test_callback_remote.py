"""RemoteMonitor, against a server of this process."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pytest

from callback_tools import FakeModel, fit
from kerastorch.callbacks import RemoteMonitor


class Server(HTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, str, str, str]] = []
        self.answer = 200
        self.root = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


LOGS = [{"loss": np.float32(0.5), "matrix": np.array([1, 2])}, {"loss": 0.25}]


def test_logs_are_posted_as_a_form(server: Server) -> None:
    fit(FakeModel(), [RemoteMonitor(server.root, field="logs", headers={"X-Key": "1"})], LOGS)
    kind = "application/x-www-form-urlencoded"
    assert [found[:3] for found in server.received] == [("/publish/epoch/end/", kind, "1")] * 2
    values = [json.loads(urllib.parse.parse_qs(body)["logs"][0]) for *_, body in server.received]
    assert values == [{"epoch": 0, "loss": 0.5, "matrix": [1, 2]}, {"epoch": 1, "loss": 0.25}]


def test_logs_are_posted_as_json(server: Server) -> None:
    server.answer = 404  # what the server makes of it is its own affair
    fit(FakeModel(), [RemoteMonitor(server.root, path="/logs", send_as_json=True)], LOGS[1:])
    assert server.received == [("/logs", "application/json", None, '{"epoch": 0, "loss": 0.25}')]


@pytest.mark.parametrize("root", ["http://127.0.0.1:9", "no address"])
def test_a_server_that_cannot_be_reached_is_warned_of(root: str) -> None:
    with pytest.warns(UserWarning, match=f"RemoteMonitor '{root}': expected a server that can be reached") as said:
        history = fit(FakeModel(), [RemoteMonitor(root)], LOGS)
    assert len(said) == len(history.epoch) == 2
