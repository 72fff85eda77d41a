"""Other people's tools: each reads one version of a table and says how many, and how much, there is of each service."""

from dataclasses import dataclass
from pathlib import Path

import deltalake
import duckdb
import duckdb_extension_delta
import polars


@dataclass(frozen=True)
class Question:
    """What is asked of a table, for each value of a column."""

    table: str
    by: str
    """The column whose sum is how many there are; None where every row is one."""
    many: str | None
    """The column whose sum is how much there is of them."""
    much: str
    """Of rows of this resolution alone, where there are several."""
    resolution_seconds: int | None = None


SPANS = Question("spans", "service_name", None, "duration_nano")
LOGS = Question("logs", "service_name", None, "severity_number")
ROLLUPS = Question("rollups", "service_name", "count", "duration_sum_nano", 60)
EDGES = Question("edges", "callee", "server_count", "server_duration_sum_nano", 60)


def newest_version(table):
    """The newest version of the table, and how many rows its log says that it has."""
    opened = deltalake.DeltaTable(str(table))
    actions = polars.DataFrame(opened.get_add_actions(flatten=True))
    return opened.version(), int(actions["num_records"].sum()) if len(actions) else 0


def merges(table):
    """How many commits of the table's log exchanged files for others with the same rows."""
    entries = (table / "_delta_log").glob("*.json")
    return sum('"operation":"OPTIMIZE"' in entry.read_text() for entry in entries)


class DuckDb:
    """DuckDB with its own Delta extension, which comes as a package, so that nothing is fetched when it runs."""

    name = "DuckDB"

    def __init__(self):
        extension = next(Path(duckdb_extension_delta.__file__).parent.rglob("*.duckdb_extension"))
        self._connection = duckdb.connect()
        self._connection.load_extension(str(extension))

    def figures(self, table, version, question):
        many = f'sum("{question.many}")' if question.many else "count(*)"
        where = f"WHERE resolution_seconds = {question.resolution_seconds}" if question.resolution_seconds else ""
        rows = self._connection.execute(
            f'SELECT "{question.by}", {many}, sum("{question.much}") FROM delta_scan(?, version := ?) {where} GROUP BY 1',
            [str(table), version],
        )
        return {of: (int(many), int(much)) for of, many, much in rows.fetchall()}

    def widest(self, table, version):
        """Rows with every column read."""
        rows = self._connection.execute(
            "SELECT count(*), bit_xor(hash(found)) FROM delta_scan(?, version := ?) AS found", [str(table), version]
        )
        return rows.fetchone()[0]


class Polars:
    """Polars, by way of the deltalake package."""

    name = "Polars"

    def figures(self, table, version, question):
        found = polars.scan_delta(str(table), version=version)
        if question.resolution_seconds:
            found = found.filter(polars.col("resolution_seconds") == question.resolution_seconds)
        many = polars.col(question.many).sum() if question.many else polars.len()
        rows = (
            found.group_by(polars.col(question.by).cast(polars.String))
            .agg(many.alias("__many"), polars.col(question.much).sum().alias("__much"))
            .collect()
        )
        return {of: (int(many), int(much)) for of, many, much in rows.iter_rows()}

    def widest(self, table, version):
        """Rows with every column read."""
        return len(polars.scan_delta(str(table), version=version).collect())
