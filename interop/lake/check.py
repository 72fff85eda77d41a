"""Sends traffic to a Causeline, and reads its table all the while.

While spans are flushed and blocks merged, every reader reads the same version and has to see the same as the others, as the log's own statistics say,
never more than was sent and never less than before. Once all is flushed, it has to be what the API says, and what was sent.
"""

import json
import sys
import threading
import time

from driver import causeline, workspace
from driver.causeline import ServerError
from lake.readers import DuckDb, Polars, merges, newest_version
from lake.traffic import SPANS_PER_TRACE, Traffic, services_of

REQUESTS = 120
TRACES_PER_REQUEST = 20
FLUSHED_SECONDS = 60
SETTINGS = "storage: {flush_interval: 1s, flush_bytes: 256KiB, compaction_interval: 1s, merge_after: 2s}\n"


class Failed(Exception):
    """A reader saw something else than it should."""


def total(services):
    """The spans of all services."""
    return sum(spans for spans, _ in services.values())


def same_everywhere(readers, table, sent_before):
    """What every reader sees of the newest version."""
    version, recorded = newest_version(table)
    seen = {reader.name: reader.services(table, version) for reader in readers}
    first = next(iter(seen.values()))
    if any(services != first for services in seen.values()):
        raise Failed(f"version {version} is not the same for all: {seen}")
    if total(first) != recorded:
        raise Failed(f"version {version} has {total(first)} spans, its log says {recorded}")
    if total(first) < sent_before:
        raise Failed(f"version {version} has {total(first)} spans, an earlier one had {sent_before}")
    return version, first


def watch(readers, table, traffic, sender):
    """Reads while `sender` runs; returns how many versions were seen."""
    versions, seen = set(), 0
    while sender.is_alive():
        version, services = same_everywhere(readers, table, seen)
        seen = total(services)
        # Spans may be in the table before their sender has its answer, never before they are sent.
        sent = len(traffic.trace_ids) * SPANS_PER_TRACE
        if seen > sent:
            raise Failed(f"version {version} has {seen} spans, {sent} were sent")
        versions.add(version)
    sender.join()
    return len(versions)


def wait_until_flushed(readers, table, traffic):
    """The first version that has all that was sent."""
    deadline = time.monotonic() + FLUSHED_SECONDS
    while time.monotonic() < deadline:
        version, services = same_everywhere(readers, table, 0)
        if total(services) >= total(traffic.services):
            return version, services
        time.sleep(0.2)
    raise Failed(f"{total(services)} of {total(traffic.services)} spans were in the table after {FLUSHED_SECONDS} s")


def by_api(server, traffic):
    """What the API has of every trace that was sent."""
    services = {}
    for trace_id in traffic.trace_ids:
        body = server.native_trace(trace_id)
        if body is None:
            raise Failed(f"trace {trace_id} is not known to the API")
        for service, (spans, nanos) in services_of(json.loads(body)).items():
            before = services.get(service, (0, 0))
            services[service] = (before[0] + spans, before[1] + nanos)
    return services


def check(server):
    """Everything; prints what was seen."""
    readers = [DuckDb(), Polars()]
    table = server.data_dir / "lake" / "spans"
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
    versions = watch(readers, table, traffic, sender)
    if refused:
        raise Failed(f"sending failed: {refused[0]}")
    version, services = wait_until_flushed(readers, table, traffic)
    if services != traffic.services:
        raise Failed(f"version {version} has {services}, sent were {traffic.services}")
    if not merges(table):
        raise Failed("nothing was merged meanwhile, so nothing was shown of it")
    api = by_api(server, traffic)
    if services != api:
        raise Failed(f"version {version} has {services}, the API {api}")
    for reader in readers:
        rows = reader.widest(table, version)
        if rows != total(services):
            raise Failed(f"{reader.name} read {rows} whole rows of {total(services)}")
    names = " and ".join(reader.name for reader in readers)
    print(
        f"lake: {names} read {versions} versions while spans came and {merges(table)} merges went on; version {version} has the API's and the senders'"
        f" {total(services)} spans and {sum(nanos for _, nanos in services.values())} ns"
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
