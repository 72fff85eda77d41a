"""A FastAPI shop under OpenTelemetry's Python SDK, for the interop suite.

The web framework and the HTTP client are instrumented by OpenTelemetry's own packages; `/everything` adds, by hand,
whatever else the data model can hold. Every finished span goes to two exporters: the one under test (environment
INTEROP_TRANSPORT, INTEROP_COMPRESSION, INTEROP_ENDPOINT) and the recording sink (INTEROP_SINK).

The app prints `listening on PORT`, serves until its standard input closes, flushes, and ends.
"""

import asyncio
import os
import socket
import sys

import httpx
import uvicorn
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as ProtoExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
SECOND = 1_000_000_000


def exporter_under_test():
    """The exporter of this run: gRPC, HTTP with protobuf, or HTTP with JSON; plain or compressed."""
    transport = os.environ["INTEROP_TRANSPORT"]
    endpoint = os.environ["INTEROP_ENDPOINT"]
    gzip = os.environ["INTEROP_COMPRESSION"] == "gzip"
    if transport == "grpc":
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
        return GrpcExporter(endpoint=endpoint, insecure=True, compression=compression)
    if transport == "json":
        from opentelemetry.exporter.otlp.common.http import Compression as JsonCompression
        from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as JsonExporter

        compression = JsonCompression.GZIP if gzip else JsonCompression.NONE
        return JsonExporter(endpoint=endpoint, compression=compression)
    compression = HttpCompression.Gzip if gzip else HttpCompression.NoCompression
    return ProtoExporter(endpoint=endpoint, compression=compression)


def build_provider():
    """A provider whose spans reach both the exporter under test and the recording sink."""
    resource = Resource.create(
        {
            "service.name": "interop-python",
            "service.version": "4.7.1",
            "interop.empty": "",
            "interop.replicas": 3,
            "interop.ratio": 0.25,
            "interop.canary": False,
            "interop.zones": ["north", "south", ""],
        },
        schema_url=SCHEMA_URL,
    )
    provider = TracerProvider(resource=resource)
    sink = ProtoExporter(endpoint=os.environ["INTEROP_SINK"])
    for exporter in (exporter_under_test(), sink):
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
    return provider


def attributes():
    """One attribute of every type and awkward value that the SDK accepts."""
    return {
        "string": "plain",
        "string.empty": "",
        "string.unicode": "naïve café, 東京, \U0001f9ed, שלום, e\u0301",
        "string.controls": 'tab\tnewline\nquote"backslash\\nul\u0000end',
        "string.long": "long text " * 2_000,
        "ключ.鍵": "a key beyond ASCII",
        "bool.true": True,
        "bool.false": False,
        "int.zero": 0,
        "int.negative": -1,
        "int.max": 2**63 - 1,
        "int.min": -(2**63),
        "int.beyond_double": 2**53 + 1,
        "double": 0.1,
        "double.whole": 3.0,
        "double.negative_zero": -0.0,
        "double.largest": 1.7976931348623157e308,
        "double.smallest": 5e-324,
        "strings": ["one", "", "drei", "四"],
        "bools": [True, False, True],
        "ints": [0, -1, 2**63 - 1, -(2**63)],
        "doubles": [0.5, -2.0, 1e-9],
        "strings.empty": [],
        "bytes": b"\x00\x01\x7f\x80\xff",
        "bytes.empty": b"",
        "map": {"inner": "value", "list": [1, "two", {}], "deeper": {"end": True}},
        "mixed": [True, "", -0.5],
    }


def everything(tracer):
    """Spans that together fill every field of an OTLP span."""
    with tracer.start_as_current_span("every attribute") as span:
        span.set_attributes(attributes())
        # JSON has no literal for these; OTLP/JSON carries them as strings, which this SDK's JSON exporter does not do.
        if os.environ["INTEROP_TRANSPORT"] != "json":
            span.set_attribute("double.infinity", float("inf"))
            span.set_attribute("double.nan", float("nan"))
            span.set_attribute("doubles.special", [float("-inf"), 1.0])

    for kind in SpanKind:
        with tracer.start_as_current_span(f"kind {kind.name.lower()}", kind=kind):
            pass

    with tracer.start_as_current_span("status ok") as span:
        span.set_status(Status(StatusCode.OK))
    with tracer.start_as_current_span("status error, silent") as span:
        span.set_status(Status(StatusCode.ERROR))
    with tracer.start_as_current_span("status error, told") as span:
        span.set_status(Status(StatusCode.ERROR, "the pantry is empty: ничего нет"))

    with tracer.start_as_current_span("events") as span:
        span.add_event("bare")
        span.add_event("rich", attributes())
        span.add_event("early", {"order": 1}, timestamp=SECOND)
        span.add_event("")
        try:
            raise ValueError("no such flavour: 'crème brûlée'")
        except ValueError as error:
            span.record_exception(error, {"exception.retried": False})

    far = SpanContext(
        trace_id=0x0AF7651916CD43DD8448EB211C80319C,
        span_id=0xB7AD6B7169203331,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState([("rojo", "00f067aa0ba902b7"), ("congo", "t61rcWkgMzE")]),
    )
    unsampled = SpanContext(trace_id=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF, span_id=1, is_remote=False)
    here = trace.get_current_span().get_span_context()
    links = [Link(far, {"why": "batch", "positions": [1, 2]}), Link(unsampled), Link(here, {"why": "self"})]
    with tracer.start_as_current_span("links", links=links):
        pass

    many = [Link(far, {"n": n}) for n in range(131)]
    with tracer.start_as_current_span("over every limit", links=many) as span:
        for n in range(140):
            span.set_attribute(f"attribute.{n:03}", n)
        for n in range(133):
            span.add_event(f"event {n}", {"n": n})
    wide = {f"attribute.{n:03}": n for n in range(135)}
    with tracer.start_as_current_span("parts over their limits", links=[Link(far, wide)]) as span:
        span.add_event("wide", wide)

    with tracer.start_as_current_span("name " * 200):
        pass
    with tracer.start_as_current_span("имя 名前 \U0001f4e6"):
        pass

    old = tracer.start_span("in the year 2001", start_time=1_000_000_000 * SECOND + 1)
    old.end(end_time=1_000_000_000 * SECOND + 1)
    late = tracer.start_span("in the year 2099", start_time=4_070_908_800 * SECOND + 999_999_999)
    late.end(end_time=4_070_908_801 * SECOND)

    scoped = trace.get_tracer("interop.scope", "1.2.3-β", schema_url=SCHEMA_URL, attributes={"scope.kind": "library", "n": 7})
    with scoped.start_as_current_span("of a scope with attributes"):
        pass


def build_app(tracer, port):
    """The routes that the driver visits."""
    app = FastAPI()

    @app.get("/orders/{order_id}")
    async def order(order_id: int):
        with tracer.start_as_current_span("look up order") as span:
            span.set_attribute("order.id", order_id)
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{port}/stock/{order_id}")
        return {"order": order_id, "stock": answer.json()["stock"]}

    @app.get("/stock/{item}")
    async def stock(item: int):
        return {"stock": item % 7}

    @app.get("/broken")
    async def broken():
        raise RuntimeError("the till is jammed")

    @app.get("/everything")
    def all_of_it():
        everything(tracer)
        return {"done": True}

    return app


async def serve(app, listener):
    """Serves until standard input closes."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await running


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    provider = build_provider()
    trace.set_tracer_provider(provider)
    HTTPXClientInstrumentor().instrument()
    app = build_app(trace.get_tracer("interop.shop", "0.1.0"), listener.getsockname()[1])
    FastAPIInstrumentor.instrument_app(app)
    asyncio.run(serve(app, listener))
    provider.shutdown()


if __name__ == "__main__":
    main()
