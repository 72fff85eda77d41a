"""The tap: a TCP relay between an app and Causeline that passes bytes on unchanged and keeps what the app sent.

It changes nothing and interprets nothing while it runs. Afterwards `requests` reads the recording, so that the suite
can prove that a run named "gRPC, gzip" was one: HTTP/1.1 requests by their headers, gRPC by the compressed flag in front
of each message (RFC 9113 § 4.1 frames, gRPC's length-prefixed messages).
"""

import io
import http.client
import socket
import threading
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_DATA = 0
FLAG_PADDED = 0x8


@dataclass(frozen=True)
class Request:
    """One export request as it went over the wire: `grpc`, `proto` or `json` (or the content type), and its coding."""

    transport: str
    compression: str


class Tap:
    """A relay from a free loopback port to `target`."""

    def __init__(self, target):
        self._target = target
        self._streams = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def requests(self):
        """Every request that has been sent through the tap."""
        return [request for stream in self._streams for request in _requests(bytes(stream))]

    def close(self):
        """Stops accepting connections; those that exist end with their app."""
        self._listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            recording = bytearray()
            self._streams.append(recording)
            threading.Thread(target=_relay, args=(near, far, recording), daemon=True).start()
            threading.Thread(target=_relay, args=(far, near, None), daemon=True).start()


def _relay(source, sink, recording):
    """Passes bytes on until either side closes."""
    try:
        while chunk := source.recv(65536):
            if recording is not None:
                recording += chunk
            sink.sendall(chunk)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _requests(sent):
    """The requests in what one connection sent."""
    if sent.startswith(PREFACE):
        return _grpc_requests(sent[len(PREFACE) :])
    return _http_requests(sent)


def _http_requests(sent):
    """HTTP/1.1 requests; bodies are skipped."""
    found = []
    stream = io.BytesIO(sent)
    while stream.readline():
        headers = http.client.parse_headers(stream)
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(stream.readline().split(b";")[0], 16):
                stream.read(size + 2)
            stream.readline()
        else:
            stream.read(int(headers.get("Content-Length", 0)))
        kind = headers.get("Content-Type", "none").split(";")[0]
        transport = {"application/x-protobuf": "proto", "application/json": "json"}.get(kind, kind)
        found.append(Request(transport, headers.get("Content-Encoding", "none").replace("identity", "none")))
    return found


def _grpc_requests(frames):
    """gRPC messages: the DATA frames of each stream joined, then cut at the length prefixes."""
    bodies = {}
    at = 0
    while at + 9 <= len(frames):
        size = int.from_bytes(frames[at : at + 3], "big")
        kind, flags = frames[at + 3], frames[at + 4]
        stream = int.from_bytes(frames[at + 5 : at + 9], "big") & 0x7FFFFFFF
        payload = frames[at + 9 : at + 9 + size]
        at += 9 + size
        if kind == FRAME_DATA:
            if flags & FLAG_PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            bodies.setdefault(stream, bytearray()).extend(payload)
    found = []
    for body in bodies.values():
        at = 0
        while at + 5 <= len(body):
            found.append(Request("grpc", "gzip" if body[at] else "none"))
            at += 5 + int.from_bytes(body[at + 1 : at + 5], "big")
    return found
