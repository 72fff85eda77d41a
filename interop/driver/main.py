"""The flow of the suite: prepare, run each app over each transport, compare what was sent with what is read back."""

import argparse
import itertools
import signal
import sys
import time

from driver import apps, causeline, compare, coverage, selftest, traces, workspace
from driver.languages import LANGUAGES
from driver.sink import Sink
from driver.wire import Request, Tap

COMPRESSIONS = ("none", "gzip")
SEARCHABLE_SECONDS = 10
LINES_MAX = 20
APP_LINES_MAX = 8


class Report:
    """Counts checks and prints them as they come."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, problems):
        """Records one check; it failed when `problems` has lines."""
        if not problems:
            self.passed += 1
            print(f"ok    {name}", flush=True)
            return
        self.failed += 1
        print(f"FAIL  {name}")
        for line in problems[:LINES_MAX]:
            print(f"      {line}")
        if len(problems) > LINES_MAX:
            print(f"      … and {len(problems) - LINES_MAX} more")
        sys.stdout.flush()


class Suite:
    """One server and one sink for all runs."""

    def __init__(self, server, sink, report):
        self.server = server
        self.sink = sink
        self.report = report
        self.checked = set()

    def language(self, language):
        """Prepares one language and runs it over each of its transports."""
        missing = language.missing_tools()
        if missing:
            others = " ".join(name for name in LANGUAGES if name != language.name)
            hint = f"not found: {', '.join(missing)}; `interop/run {others}` runs the others"
            self.report.check(f"{language.name} toolchain", [hint])
            return
        began = time.monotonic()
        try:
            command = language.prepare()
        except workspace.SetupError as error:
            self.report.check(f"{language.name} preparation", str(error).splitlines())
            return
        prepared = time.monotonic()
        for transport, compression in itertools.product(language.transports, COMPRESSIONS):
            self.run(language, command(transport), transport, compression)
        ended = time.monotonic()
        print(f"      {language.name}: prepared in {prepared - began:.1f} s, ran in {ended - prepared:.1f} s", flush=True)

    def run(self, language, command, transport, compression):
        """One app, one transport: four checks. What the app printed is shown when one of them fails."""
        failed_before = self.report.failed
        name = f"{language.name} {transport} {compression}"
        run = name.replace(" ", "-")
        server_port = self.server.grpc_port if transport == "grpc" else self.server.http_port
        tap = Tap(("127.0.0.1", server_port))
        path = "" if transport == "grpc" else "/v1/traces"
        settings = {
            "INTEROP_TRANSPORT": transport,
            "INTEROP_COMPRESSION": compression,
            "INTEROP_ENDPOINT": f"http://127.0.0.1:{tap.port}{path}",
            "INTEROP_SINK": self.sink.endpoint(run),
        }
        try:
            with apps.running(command, settings) as app:
                apps.journey(app)
                app.end()
        except apps.AppError as error:
            self.report.check(f"{name}: app", str(error).splitlines())
            return
        finally:
            tap.close()
        sent = traces.from_export_requests(self.sink.bodies(run))
        self.report.check(f"{name}: sent as asked", _wire_problems(tap.requests(), Request(transport, compression)))
        self.report.check(f"{name}: the spans exercise the model", coverage.problems(sent, language.lacking(transport)))
        for form, fetch, parse in (
            ("Tempo protobuf", self.server.tempo_trace, traces.from_tempo),
            ("OTLP JSON", self.server.native_trace, traces.from_otlp_json),
        ):
            problems = read_back(sent, fetch, parse) if sent else ["the sink recorded no span"]
            self.report.check(f"{name}: {len(sent)} spans read back equal as {form}", problems)
        if self.report.failed > failed_before:
            print("\n".join(["      the app printed:", *(f"      | {line}" for line in app.output[-APP_LINES_MAX:])]), flush=True)
        if sent and language.name not in self.checked:
            self.checked.add(language.name)
            self.report.check(f"{language.name}: the comparison notices every change", selftest.problems(sent))


def read_back(sent, fetch, parse):
    """Fetches every trace of `sent` and lists the differences."""
    found = []
    for trace_id in sorted({key[0] for key in sent}):
        expected = {key: place for key, place in sent.items() if key[0] == trace_id}
        try:
            actual = _fetch_whole(trace_id, len(expected), fetch, parse)
        except (traces.FormatError, causeline.ServerError, OSError, ValueError) as error:
            found.append(f"trace {trace_id}: {error}")
            continue
        found += compare.tables(expected, actual)
    return found


def _fetch_whole(trace_id, n_spans, fetch, parse):
    """The trace once all its spans are there, or whatever is there after the deadline.

    Spans are acknowledged by now; searchable they must be within a second, and slow machines get some more.
    """
    deadline = time.monotonic() + SEARCHABLE_SECONDS
    while True:
        body = fetch(trace_id)
        table = parse(body) if body is not None else {}
        if len(table) >= n_spans or time.monotonic() > deadline:
            return table
        time.sleep(0.05)


def _wire_problems(requests, asked):
    if not requests:
        return ["nothing was sent"]
    return [f"asked for {asked}, sent {request}" for request in dict.fromkeys(requests) if request != asked]


def main():
    parser = argparse.ArgumentParser(prog="interop/run", description="Real SDKs send; Causeline gives back the same.")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"any of {', '.join(LANGUAGES)} (default: all)")
    asked = parser.parse_args().languages or list(LANGUAGES)
    for name in asked:
        if name not in LANGUAGES:
            parser.error(f"no app for {name!r}; there are {', '.join(LANGUAGES)}")

    # An end by signal unwinds too, so that no process outlives the suite.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    report = Report()
    work = workspace.root()
    try:
        executable = causeline.binary()
        sink = Sink()
        with causeline.running(executable, work / "causeline.log") as server:
            suite = Suite(server, sink, report)
            for name in dict.fromkeys(asked):
                suite.language(LANGUAGES[name])
        sink.close()
    except causeline.ServerError as error:
        report.check("causeline", str(error).splitlines())
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main())
