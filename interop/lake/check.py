"""Sends traffic to a Causeline, and reads its tables all the while.

While spans and log records are flushed, and blocks and parts merged, every reader reads the same version of each table and has to see the same
as the others, as the log's own statistics say, never more than was sent and never less than before. Once all is flushed, it has to be what the API
says, and what was sent.
"""

import json
import sys
import threading
import time

from driver import causeline, workspace
from driver.causeline import ServerError
from lake.readers import EDGES, LOGS, ROLLUPS, SPANS, DuckDb, Polars, merges, newest_version
from lake.traffic import LOGS_PER_TRACE, SERVICES, SPANS_PER_TRACE, Traffic, services_of

REQUESTS = 120
TRACES_PER_REQUEST = 20
FLUSHED_SECONDS = 60
SETTINGS = "storage: {flush_interval: 1s, flush_bytes: 256KiB, compaction_interval: 1s, merge_after: 2s}\n"
QUESTIONS = [SPANS, LOGS, ROLLUPS, EDGES]


class Failed(Exception):
    """A reader saw something else than it should."""


def total(figures):
    """How many there are of all."""
    return sum(many for many, _ in figures.values())


def sent_ones(figures):
    """Without the server's own, which it traces too."""
    return {of: figures[of] for of in SERVICES if of in figures}


class Tables:
    """The tables of a server, as every reader sees them."""

    def __init__(self, server, readers):
        self._lake = server.data_dir / "lake"
        self._readers = readers
        self._seen = {}
        self.versions = set()

    def folder(self, question):
        return self._lake / question.table

    def newest(self, question):
        """What all see of the newest version of what was sent, and which that is."""
        folder = self.folder(question)
        version, recorded = newest_version(folder)
        seen = {reader.name: reader.figures(folder, version, question) for reader in self._readers}
        first = next(iter(seen.values()))
        where = f"version {version} of {question.table}"
        if any(figures != first for figures in seen.values()):
            raise Failed(f"{where} is not the same for all: {seen}")
        if question.many is None and total(first) != recorded:
            raise Failed(f"{where} has {total(first)} rows, its log says {recorded}")
        first = sent_ones(first)
        # Edges are counted anew as the two ends of a call come together.
        if question is not EDGES and total(first) < self._seen.get(question, 0):
            raise Failed(f"{where} has {total(first)}, an earlier one had {self._seen[question]}")
        self._seen[question] = total(first)
        self.versions.add((question.table, version))
        return version, first

    def widest(self, question, version):
        """Rows with every column read, the same for all."""
        rows = {reader.name: reader.widest(self.folder(question), version) for reader in self._readers}
        if len(set(rows.values())) != 1:
            raise Failed(f"version {version} of {question.table} has {rows} whole rows")
        return next(iter(rows.values()))


def watch(tables, traffic, sender):
    """Reads while `sender` runs."""
    most = {SPANS: SPANS_PER_TRACE, LOGS: LOGS_PER_TRACE, ROLLUPS: SPANS_PER_TRACE}
    while sender.is_alive():
        for question in QUESTIONS:
            version, figures = tables.newest(question)
            # Rows may be in the table before their sender has its answer, never before they are sent.
            sent = len(traffic.trace_ids) * most.get(question, 0)
            if question in most and total(figures) > sent:
                raise Failed(f"version {version} of {question.table} has {total(figures)}, {sent} were sent")
    sender.join()


def wait_for(tables, question, expected):
    """The first version that has all of it. Fails when that is not what is expected."""
    deadline = time.monotonic() + FLUSHED_SECONDS
    while True:
        version, figures = tables.newest(question)
        if total(figures) >= total(expected):
            break
        if time.monotonic() > deadline:
            raise Failed(f"{total(figures)} of {total(expected)} were in {question.table} after {FLUSHED_SECONDS} s")
        time.sleep(0.2)
    if figures != expected:
        raise Failed(f"version {version} of {question.table} has {figures}, sent were {expected}")
    return version


def added(figures, more):
    for of, (many, much) in more:
        before = figures.get(of, (0, 0))
        figures[of] = (before[0] + many, before[1] + much)


def traces_by_api(server, traffic):
    """What the API has of every trace that was sent: spans, and log records."""
    spans, logs = {}, {}
    for trace_id in traffic.trace_ids:
        body = server.native_trace(trace_id)
        if body is None:
            raise Failed(f"trace {trace_id} is not known to the API")
        added(spans, services_of(json.loads(body)).items())
        found = server.native_json(f"/api/v1/traces/{trace_id}/logs")["logs"]
        added(logs, ((log["service"], (1, log["severityNumber"])) for log in found))
    return spans, logs


def counts_by_api(server, question):
    """What the API has of all intervals."""
    answer = server.native_json(f"/api/v1/{question.table}?resolution={question.resolution_seconds}")
    if answer["partial"]:
        raise Failed(f"the API has only a part of {question.table}: {answer['partial']}")
    figures = {}
    for row in answer["rows"]:
        of, side = (row["callee"]["name"], row["server"]) if question is EDGES else (row["service"], row["figures"])
        added(figures, [(of, (side["count"], int(side["durationSumNano"])))])
    return sent_ones(figures)


def wait_for_edges(server, tables):
    """The table and the API agree once nothing is merged any more, so that both are asked of one state."""
    deadline = time.monotonic() + FLUSHED_SECONDS
    while True:
        version, figures = tables.newest(EDGES)
        api = counts_by_api(server, EDGES)
        if figures == api:
            return version, figures
        if time.monotonic() > deadline:
            raise Failed(f"version {version} of edges has {figures}, the API {api}")
        time.sleep(0.2)


def check(server):
    """Everything; prints what was seen."""
    tables = Tables(server, [DuckDb(), Polars()])
    traffic = Traffic(server.http_port, seed=7)
    refused = []

    def send():
        try:
            for _ in range(REQUESTS):
                traffic.send(TRACES_PER_REQUEST)
        except Exception as error:  # told by the thread that watches
            refused.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    watch(tables, traffic, sender)
    if refused:
        raise Failed(f"sending failed: {refused[0]}")
    expected = {SPANS: traffic.services, LOGS: traffic.logs, ROLLUPS: traffic.services}
    for question, figures in expected.items():
        wait_for(tables, question, figures)
    spans, logs = traces_by_api(server, traffic)
    by_api = {SPANS: spans, LOGS: logs, ROLLUPS: counts_by_api(server, ROLLUPS)}
    for question, figures in by_api.items():
        if figures != expected[question]:
            raise Failed(f"of {question.table} the API has {figures}, sent were {expected[question]}")
    version, edges = wait_for_edges(server, tables)
    if edges != traffic.calls:
        raise Failed(f"version {version} of edges has {edges}, the calls that were sent are {traffic.calls}")
    for question in QUESTIONS:
        if not merges(tables.folder(question)):
            raise Failed(f"nothing of {question.table} was merged meanwhile, so nothing was shown of it")
        version, figures = tables.newest(question)
        rows = tables.widest(question, version)
        if question.many is None and rows < total(figures):
            raise Failed(f"{rows} whole rows of {total(figures)} were read from {question.table}")
    n_merges = sum(merges(tables.folder(question)) for question in QUESTIONS)
    print(
        f"lake: DuckDB and Polars read {len(tables.versions)} versions of {len(QUESTIONS)} tables while rows came and {n_merges} merges went on; the last have the API's and"
        f" the senders' {total(spans)} spans, {total(logs)} log records, roll-ups of all spans and edges of {total(edges)} calls"
    )


def main():
    workspace.root().mkdir(parents=True, exist_ok=True)
    settings = workspace.root() / "lake.yaml"
    settings.write_text(SETTINGS)
    log = workspace.root() / "causeline-lake.log"
    try:
        with causeline.running(causeline.binary(), log, ["--config", str(settings)]) as server:
            check(server)
    except (Failed, ServerError) as error:
        sys.exit(f"interop: lake: {error}\nThe server's log is {log}.")


if __name__ == "__main__":
    main()
