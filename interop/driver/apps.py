"""Runs one app: starts it, visits its routes, ends it, and keeps what it printed."""

import http.client
import os
import re
import subprocess
import threading
from contextlib import contextmanager

START_SECONDS = 60
END_SECONDS = 60
LISTENING = re.compile(r"listening on (\d+)")

TRACESTATE = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7,fw529a3039@dt=FfgHGy8Z"


class AppError(Exception):
    """The app did not start, serve or end as it should."""


class App:
    """A running app; the driver speaks to it over HTTP and ends it by closing its standard input."""

    def __init__(self, command, settings):
        # The caller's own OTEL_ variables would change what the SDK does, a proxy where it sends.
        unwanted = ("OTEL_", "PYTHONPATH", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "grpc_proxy")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, **settings},
        )
        self.output = []
        self.port = None
        self._known = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            found = LISTENING.search(line)
            if found and self.port is None:
                self.port = int(found[1])
                self._known.set()
        self._known.set()

    def wait_until_listening(self):
        """Blocks until the app has printed its port."""
        self._known.wait(START_SECONDS)
        if self.port is None:
            raise AppError(self._told("did not start"))

    def visit(self, path, expected, headers=()):
        """GETs a route of the app and checks the status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
            response.read()
        except OSError as error:
            raise AppError(self._told(f"GET {path}: {error}")) from error
        finally:
            connection.close()
        if response.status not in expected:
            raise AppError(self._told(f"GET {path} answered {response.status}"))

    def end(self):
        """Closes the app's standard input and waits until it has flushed and ended."""
        self.process.stdin.close()
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise AppError(self._told(f"still runs {END_SECONDS} s after its standard input was closed")) from error
        self._reader.join(5)
        if status != 0:
            raise AppError(self._told(f"ended with status {status}"))

    def kill(self):
        """Ends the process whatever it does; safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _told(self, what):
        return "\n".join([f"the app {what}; it printed:", *self.output[-40:]])


@contextmanager
def running(command, settings):
    """A started app that is listening; never outlives the block."""
    app = App(command, settings)
    try:
        app.wait_until_listening()
        yield app
    finally:
        app.kill()


def journey(app):
    """The requests of one run: with and without a remote parent, one that fails, one that records everything."""
    app.visit("/orders/42", {200}, {"traceparent": _traceparent(), "tracestate": TRACESTATE})
    app.visit("/orders/43", {200})
    app.visit("/broken", {500})
    app.visit("/everything", {200, 204}, {"traceparent": _traceparent()})


def _traceparent():
    """A sampled remote parent in a trace of its own."""
    return f"00-{os.urandom(16).hex()}-00f067aa0ba902b7-01"
