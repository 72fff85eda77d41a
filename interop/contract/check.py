"""Runs Schemathesis on the native API's document: no answer of the server's fault, none of another status, type or shape than the document says."""

import subprocess
import sys
from pathlib import Path

from driver import causeline, workspace
from driver.causeline import ServerError
from lake.traffic import Traffic

REQUESTS = 5
TRACES_PER_REQUEST = 20
CASES_PER_OPERATION = 40
SEED = 20261130
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]


def ask(port, log):
    """Schemathesis' exit status; what it says goes to `log`."""
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as out:
        ended = subprocess.run(
            [
                Path(sys.executable).with_name("st"),
                "run",
                f"{address}/api/v1/openapi.json",
                "--url",
                address,
                "--phases",
                "coverage,fuzzing",
                "--checks",
                ",".join(CHECKS),
                "--max-examples",
                str(CASES_PER_OPERATION),
                "--suppress-health-check",
                "all",
                "--seed",
                str(SEED),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
        )
    return ended.returncode


def main():
    folder = workspace.root() / "contract"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "schemathesis.txt"
    try:
        with causeline.running(causeline.binary(), folder / "causeline.log") as server:
            traffic = Traffic(server.http_port, SEED)
            for _ in range(REQUESTS):
                traffic.send(TRACES_PER_REQUEST)
            status = ask(server.native_port, log)
    except ServerError as error:
        sys.exit(f"interop: {error}")
    said = log.read_text()
    if status != 0:
        print(said)
        sys.exit("interop: answers are not what docs/openapi.json says")
    cases = [line.strip() for line in said.splitlines() if "generated," in line]
    print(f"contract: {'; '.join(cases)}")


if __name__ == "__main__":
    main()
