"""Sending logs to a server."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs, as_logs

SECONDS_TO_WAIT = 10.0


class RemoteMonitor(Callback):
    """Posts the logs of every epoch, with 'epoch', to the server `root + path`.

    They are JSON: in the field `field` of a form, or, with `send_as_json`, as the body. A server that cannot be
    reached is warned of, and training goes on.

    >>> callback = RemoteMonitor("http://localhost:9000", send_as_json=True)
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        import http.client  # heavy: only those who send anything need it
        import urllib.error
        import urllib.parse
        import urllib.request

        text = json.dumps({"epoch": epoch} | {name: _plain(value) for name, value in as_logs(logs).items()})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        headers = {"Content-Type": f"application/{kind}", **(self.headers or {})}
        try:
            request = urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")
            with urllib.request.urlopen(request, timeout=SECONDS_TO_WAIT):
                pass
        except urllib.error.HTTPError as error:
            error.close()  # a server that answers has been reached; what it makes of the logs is its own affair
        except (OSError, ValueError, http.client.HTTPException) as error:
            warnings.warn(
                f"RemoteMonitor '{self.root}': expected a server that can be reached; received {error}. "
                "Check the address; training goes on without it.",
                UserWarning,
                stacklevel=2,
            )


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
