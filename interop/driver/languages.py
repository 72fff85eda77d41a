"""The languages: which tools each needs, how its app is built, which transports its SDK speaks."""

import shutil
from dataclasses import dataclass
from typing import Callable

from driver import workspace

APPS = workspace.INTEROP / "apps"


@dataclass(frozen=True)
class Language:
    """One SDK under test.

    `prepare` installs and builds, and returns a function from transport to the command line of the app.
    `lacks` names the features of `coverage.FEATURES` that the SDK has no way to express, `lacks_in_json` those that
    its JSON exporter spoils.
    """

    name: str
    tools: tuple[str, ...]
    transports: tuple[str, ...]
    prepare: Callable[[], Callable[[str], list]]
    lacks: frozenset[str] = frozenset()
    lacks_in_json: frozenset[str] = frozenset()

    def lacking(self, transport):
        """The features that a run over `transport` cannot show."""
        return self.lacks | (self.lacks_in_json if transport == "json" else frozenset())

    def missing_tools(self):
        """The tools that are not on the PATH."""
        return [tool for tool in self.tools if shutil.which(tool) is None]


def _python():
    app = APPS / "python"
    interpreter = workspace.virtualenv("python", app / "requirements.txt")
    return lambda transport: [interpreter, "-B", app / "app.py"]


def _node():
    app = APPS / "node"
    sources = [app / name for name in ("package.json", "package-lock.json", ".npmrc")]

    def install(folder):
        for source in sources:
            shutil.copy(source, folder)
        workspace.call(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder)

    folder = workspace.installed("node", workspace.digest(*sources), install)
    # Node.js looks for modules beside the script, so the script goes where they are.
    shutil.copy(app / "app.js", folder)
    return lambda transport: ["node", folder / "app.js"]


def _go():
    binary = workspace.root() / "go" / "app"
    binary.parent.mkdir(parents=True, exist_ok=True)
    workspace.call(["go", "build", "-o", binary, "."], cwd=APPS / "go")
    return lambda transport: [binary]


def _java():
    app = APPS / "java"
    sources = sorted((app / "src").glob("*.java"))

    def install(folder):
        copy = "dependency:copy-dependencies"
        workspace.call(["mvn", "-q", "-B", "-f", app / "pom.xml", copy, f"-DoutputDirectory={folder / 'lib'}"])

    def compile_sources(folder):
        jars = workspace.root() / "java-jars" / "lib" / "*"
        workspace.call(["javac", "-encoding", "UTF-8", "-cp", jars, "-d", folder, *sources])

    jars = workspace.installed("java-jars", workspace.digest(app / "pom.xml"), install) / "lib"
    classes = workspace.installed("java-classes", workspace.digest(app / "pom.xml", *sources), compile_sources)
    agent = next(jars.glob("opentelemetry-javaagent-*.jar"))

    def command(transport):
        configuration = app / ("agent-grpc.yaml" if transport == "grpc" else "agent-http.yaml")
        return [
            "java",
            "-XX:TieredStopAtLevel=1",
            f"-javaagent:{agent}",
            f"-Dotel.config.file={configuration}",
            "-cp",
            f"{classes}:{jars / '*'}",
            "Shop",
        ]

    return command


# Neither SDK's JSON exporter writes these doubles as the strings that OTLP asks for.
SPOILT_IN_JSON = frozenset({"infinity and NaN"})

LANGUAGES = {
    language.name: language
    for language in (
        Language(
            "python",
            (),  # the interpreter that runs the driver
            ("grpc", "proto", "json"),
            _python,
            lacks=frozenset({"sampled flag", "link trace state", "entity reference"}),
            lacks_in_json=SPOILT_IN_JSON,
        ),
        Language(
            "node",
            ("node", "npm"),
            ("grpc", "proto", "json"),
            _node,
            lacks=frozenset(
                {
                    # Every whole number of JavaScript goes out as an integer, and only up to 2^53 - 1 exactly.
                    "largest int64",
                    "smallest int64",
                    "int64 beyond doubles",
                    "whole double",
                    "negative zero",
                    "bytes",
                    "map",
                    "scope attributes",
                    "entity reference",
                }
            ),
            lacks_in_json=SPOILT_IN_JSON,
        ),
        Language("go", ("go",), ("grpc", "proto"), _go, lacks=frozenset({"link trace state", "entity reference"})),
        Language("java", ("java", "javac", "mvn"), ("grpc", "proto"), _java, lacks=frozenset({"scope attributes"})),
    )
}
