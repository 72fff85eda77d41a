"""The recording sink: an OTLP/HTTP protobuf receiver that keeps the bytes of every request.

Each app sends its spans here as well, through a second exporter of the same SDK. What arrives is the truth of the
comparison: the encoding that the SDK itself made of the spans.
"""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink:
    """A receiver on a free loopback port; runs are told apart by the first segment of the path."""

    def __init__(self):
        self._bodies = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def endpoint(self, run):
        """The URL that the second exporter of `run` posts to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{run}/v1/traces"

    def bodies(self, run):
        """The `ExportTraceServiceRequest` messages of `run`, in order of arrival, serialised."""
        with self._lock:
            return list(self._bodies.get(run, ()))

    def close(self):
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def _keep(self, run, body):
        with self._lock:
            self._bodies.setdefault(run, []).append(body)

    def _handler(self):
        keep = self._keep

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self._body()
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                accepted = self.headers.get("Content-Type") == "application/x-protobuf"
                if accepted:
                    keep(self.path.split("/")[1], body)
                # An empty ExportTraceServiceResponse has no bytes.
                self.send_response(200 if accepted else 415)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _body(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers["Content-Length"]))
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return b"".join(chunks)

            def log_message(self, *_):
                pass

        return Handler
