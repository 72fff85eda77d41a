"""Spans and log records for the lake: what is sent, and how much of it there is."""

import http.client
import json
import random
import time

SPANS_PER_TRACE = 12
LOGS_PER_TRACE = 3
SERVICES = ["cart", "checkout", "payment", "shipping"]


class Traffic:
    """Sends traces with their log records and remembers what each service is due: how many, and how much of duration or severity."""

    def __init__(self, port, seed):
        self._port = port
        self._random = random.Random(seed)
        self.trace_ids = []
        self.services = {}
        self.logs = {}
        # Of services by others, or from outside.
        self.calls = {}

    def send(self, traces):
        """One request of that many traces, and one of their log records; returns when they are acknowledged."""
        resources = [r for _ in range(traces) for r in self._trace()]
        logs = [r for trace_id in self.trace_ids[-traces:] for r in self._logs(trace_id)]
        self._post("/v1/traces", {"resourceSpans": resources})
        self._post("/v1/logs", {"resourceLogs": logs})

    def _post(self, path, message):
        body = json.dumps(message)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200 or json.loads(answer or b"{}").get("partialSuccess"):
                raise RuntimeError(f"{path} refused some: {response.status} {answer[:300]!r}")
        finally:
            connection.close()

    def _trace(self):
        trace_id = f"{self._random.getrandbits(128):032x}"
        self.trace_ids.append(trace_id)
        start = time.time_ns()
        parent, caller = "", None
        for _ in range(SPANS_PER_TRACE):
            service = self._random.choice(SERVICES)
            span_id = f"{self._random.getrandbits(64) | 1:016x}"
            duration = self._random.randrange(1, 10_000_000)
            spans, nanos = self.services.get(service, (0, 0))
            self.services[service] = (spans + 1, nanos + duration)
            if service != caller:
                calls, nanos = self.calls.get(service, (0, 0))
                self.calls[service] = (calls + 1, nanos + duration)
            span = {
                "traceId": trace_id,
                "spanId": span_id,
                "parentSpanId": parent,
                "name": f"{service} step",
                "kind": 2,
                "startTimeUnixNano": str(start),
                "endTimeUnixNano": str(start + duration),
                "attributes": [
                    {"key": "http.request.method", "value": {"stringValue": "GET"}},
                    {"key": "app.order", "value": {"intValue": str(self._random.randrange(10**6))}},
                ],
                "events": [{"timeUnixNano": str(start + 1), "name": "picked"}],
            }
            yield {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"scope": {"name": "lake"}, "spans": [span]}],
            }
            parent, caller = span_id, service


    def _logs(self, trace_id):
        for number in range(LOGS_PER_TRACE):
            service = self._random.choice(SERVICES)
            severity = self._random.randrange(1, 25)
            count, severities = self.logs.get(service, (0, 0))
            self.logs[service] = (count + 1, severities + severity)
            record = {
                "traceId": trace_id,
                "timeUnixNano": str(time.time_ns()),
                "severityNumber": severity,
                "body": {"stringValue": f"step {number}"},
                "attributes": [{"key": "app.step", "value": {"intValue": str(number)}}],
            }
            yield {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeLogs": [{"scope": {"name": "lake"}, "logRecords": [record]}],
            }


def services_of(otlp):
    """What an OTLP/JSON trace has of each service, as the readers tell it."""
    services = {}
    for resource in otlp["resourceSpans"]:
        attributes = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}
        service = attributes["service.name"]["stringValue"]
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                spans, nanos = services.get(service, (0, 0))
                duration = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
                services[service] = (spans + 1, nanos + duration)
    return services
