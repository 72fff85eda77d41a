"""Other people's tools: each reads one version of the table and says how many spans, and how much duration, each service has."""

from pathlib import Path

import deltalake
import duckdb
import duckdb_extension_delta
import polars


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

    def services(self, table, version):
        rows = self._connection.execute(
            "SELECT service_name, count(*), sum(duration_nano) FROM delta_scan(?, version := ?) GROUP BY 1",
            [str(table), version],
        )
        return {service: (spans, int(nanos)) for service, spans, nanos in rows.fetchall()}

    def widest(self, table, version):
        """Rows with every column read."""
        rows = self._connection.execute(
            "SELECT count(*), bit_xor(hash(span)) FROM delta_scan(?, version := ?) AS span", [str(table), version]
        )
        return rows.fetchone()[0]


class Polars:
    """Polars, by way of the deltalake package."""

    name = "Polars"

    def services(self, table, version):
        rows = (
            polars.scan_delta(str(table), version=version)
            .group_by(polars.col("service_name").cast(polars.String))
            .agg(polars.len().alias("spans"), polars.col("duration_nano").sum().alias("nanos"))
            .collect()
        )
        return {service: (spans, nanos) for service, spans, nanos in rows.iter_rows()}

    def widest(self, table, version):
        """Rows with every column read."""
        return len(polars.scan_delta(str(table), version=version).collect())
