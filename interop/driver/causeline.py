"""The server under test: builds or takes the binary, runs it on free ports with an empty data folder, reads traces back."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from driver import workspace

READY_SECONDS = 60
END_SECONDS = 30
POLL_SECONDS = 0.05


class ServerError(Exception):
    """Causeline did not build, start or answer."""


def binary():
    """`$CAUSELINE_BIN`, or the debug build of this repository."""
    given = os.environ.get("CAUSELINE_BIN")
    if given:
        if not os.access(given, os.X_OK):
            raise ServerError(f"CAUSELINE_BIN names {given}, which is not a program")
        return Path(given).resolve()
    try:
        built = subprocess.run(["cargo", "build", "--bin", "causeline"], cwd=workspace.REPOSITORY)
    except OSError as error:
        raise ServerError(f"CAUSELINE_BIN is not set, and cargo cannot be run: {error}") from error
    if built.returncode != 0:
        raise ServerError("`cargo build --bin causeline` failed")
    target = Path(os.environ.get("CARGO_TARGET_DIR", workspace.REPOSITORY / "target"))
    return workspace.REPOSITORY / target / "debug" / "causeline"


class Causeline:
    """A running server. The `_port` attributes are its listeners on loopback."""

    def __init__(self, executable, log, options=()):
        self.data_dir = Path(tempfile.mkdtemp(prefix="causeline-interop-"))
        ports = _free_ports(4)
        self.grpc_port, self.http_port, self.tempo_port, self.native_port = ports
        self.log = log
        self._log_file = log.open("wb")
        self.process = subprocess.Popen(
            [str(executable), "serve", "--data-dir", str(self.data_dir), *_listen_options(ports), *options],
            stdin=subprocess.DEVNULL,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
        )

    def wait_until_ready(self):
        """Blocks until `/ready` answers 200."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(f"causeline ended with status {self.process.returncode}:\n{self._log_tail()}")
            try:
                status, _ = _get(self.native_port, "/ready")
            except OSError:
                status = None
            if status == 200:
                return
            time.sleep(POLL_SECONDS)
        raise ServerError(f"causeline was not ready after {READY_SECONDS} s:\n{self._log_tail()}")

    def tempo_trace(self, trace_id):
        """The trace as Tempo's API gives it to Grafana, or None when it is not known."""
        return self._trace(self.tempo_port, f"/api/v2/traces/{trace_id}", "application/protobuf")

    def native_trace(self, trace_id):
        """The trace as OTLP/JSON of the native API, or None when it is not known."""
        return self._trace(self.native_port, f"/api/v1/traces/{trace_id}/otlp", "application/json")

    def native_json(self, path):
        """What the native API answers, which is JSON."""
        status, body = _get(self.native_port, path)
        if status != 200:
            raise ServerError(f"GET {path} answered {status}: {body[:500]!r}")
        return json.loads(body)

    def _trace(self, port, path, accept):
        status, body = _get(port, path, {"Accept": accept})
        if status == 404:
            return None
        if status != 200:
            raise ServerError(f"GET {path} on port {port} answered {status}: {body[:500]!r}")
        return body

    def _log_tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def end(self):
        """Asks the server to drain and end, insists after a while, and removes its data."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log_file.close()
        shutil.rmtree(self.data_dir, ignore_errors=True)


@contextmanager
def running(executable, log, options=()):
    """A server that is ready, started with those options besides the usual; never outlives the block."""
    server = Causeline(executable, log, options)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.end()


def _listen_options(ports):
    options = ("--otlp-grpc", "--otlp-http", "--tempo", "--http")
    used = [part for option, port in zip(options, ports) for part in (option, f"127.0.0.1:{port}")]
    return [*used, "--jaeger", "off", "--jaeger-grpc", "off", "--zipkin", "off"]


def _get(port, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _free_ports(count):
    """Ports that were free a moment ago; the server is what binds them."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports
