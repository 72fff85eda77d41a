"""What the apps' spans must exercise, checked on what was really sent.

Without this, an app or an SDK that quietly stops sending, say, links would still read back "equal". A feature that an
SDK cannot express is named in its `lacks` in `languages`.
"""

import math

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

INT64_MAX, INT64_MIN = 2**63 - 1, -(2**63)
CONTEXT_IS_REMOTE = 0x200


def _attributes(spans):
    """Every attribute value of every span and event, arrays included."""
    for it in spans:
        for owner in [it.span, *it.span.events]:
            for attribute in owner.attributes:
                yield attribute.value


def _value(test):
    return lambda spans: any(test(value) for value in _attributes(spans))


def _array_of(kind):
    return _value(lambda v: v.HasField("array_value") and any(e.WhichOneof("value") == kind for e in v.array_value.values))


def _span(test):
    return lambda spans: any(test(it.span) for it in spans)


def _event(test):
    return lambda spans: any(test(event) for it in spans for event in it.span.events)


def _link(test):
    return lambda spans: any(test(link) for it in spans for link in it.span.links)


def _exception(event):
    return event.name == "exception" and "exception.message" in {attribute.key for attribute in event.attributes}


FEATURES = {
    "string": _value(lambda v: len(v.string_value) > 0),
    "empty string": _value(lambda v: v.WhichOneof("value") == "string_value" and not v.string_value),
    "string beyond the basic plane": _value(lambda v: any(ord(char) > 0xFFFF for char in v.string_value)),
    "string with NUL": _value(lambda v: "\0" in v.string_value),
    "string over 16 KiB": _value(lambda v: len(v.string_value) > 16_384),
    "key beyond ASCII": _span(lambda s: any(not a.key.isascii() for a in s.attributes)),
    "bool": _value(lambda v: v.bool_value),
    "false": _value(lambda v: v.WhichOneof("value") == "bool_value" and not v.bool_value),
    "zero": _value(lambda v: v.WhichOneof("value") == "int_value" and not v.int_value),
    "largest int64": _value(lambda v: v.int_value == INT64_MAX),
    "smallest int64": _value(lambda v: v.int_value == INT64_MIN),
    "int64 beyond doubles": _value(lambda v: v.int_value == 2**53 + 1),
    "double": _value(lambda v: v.double_value == 0.1),
    "whole double": _value(lambda v: v.double_value == 3.0),
    "negative zero": _value(lambda v: v.WhichOneof("value") == "double_value" and math.copysign(1, v.double_value) < 0),
    "smallest double": _value(lambda v: v.double_value == 5e-324),
    "infinity and NaN": _value(lambda v: math.isnan(v.double_value)),
    "array of strings": _array_of("string_value"),
    "array of bools": _array_of("bool_value"),
    "array of ints": _array_of("int_value"),
    "array of doubles": _array_of("double_value"),
    "empty array": _value(lambda v: v.HasField("array_value") and not v.array_value.values),
    "bytes": _value(lambda v: len(v.bytes_value) > 0),
    "map": _value(lambda v: v.HasField("kvlist_value")),
    "internal kind": _span(lambda s: s.kind == Span.SPAN_KIND_INTERNAL),
    "server kind": _span(lambda s: s.kind == Span.SPAN_KIND_SERVER),
    "client kind": _span(lambda s: s.kind == Span.SPAN_KIND_CLIENT),
    "producer kind": _span(lambda s: s.kind == Span.SPAN_KIND_PRODUCER),
    "consumer kind": _span(lambda s: s.kind == Span.SPAN_KIND_CONSUMER),
    "status ok": _span(lambda s: s.status.code == Status.STATUS_CODE_OK),
    "status error": _span(lambda s: s.status.code == Status.STATUS_CODE_ERROR and not s.status.message),
    "status message": _span(lambda s: s.status.code == Status.STATUS_CODE_ERROR and not s.status.message.isascii()),
    "trace state": _span(lambda s: "fw529a3039@dt=FfgHGy8Z" in s.trace_state),
    "sampled flag": _span(lambda s: s.flags & 1),
    "remote parent flag": _span(lambda s: s.flags & CONTEXT_IS_REMOTE),
    "root": _span(lambda s: not s.parent_span_id),
    "long name": _span(lambda s: len(s.name) >= 1_000),
    "name beyond ASCII": _span(lambda s: not s.name.isascii()),
    "at least 128 attributes": _span(lambda s: len(s.attributes) >= 128),
    "dropped attributes": _span(lambda s: s.dropped_attributes_count > 0),
    "dropped events": _span(lambda s: s.dropped_events_count > 0),
    "dropped links": _span(lambda s: s.dropped_links_count > 0),
    "no duration": _span(lambda s: s.start_time_unix_nano == s.end_time_unix_nano),
    "far past": _span(lambda s: s.start_time_unix_nano == 1_000_000_000_000_000_001),
    "far future": _span(lambda s: s.start_time_unix_nano == 4_070_908_800_999_999_999),
    "event without attributes": _event(lambda e: not e.attributes),
    "event with every type": _event(lambda e: len(e.attributes) > 15),
    "event before its span": _event(lambda e: e.time_unix_nano == 1_000_000_000),
    "event without a name": _event(lambda e: not e.name),
    "exception": _event(_exception),
    "dropped event attributes": _event(lambda e: e.dropped_attributes_count > 0),
    "link with attributes": _link(lambda k: len(k.attributes) > 0),
    "link trace state": _link(lambda k: "rojo=" in k.trace_state),
    "unsampled link": _link(lambda k: not k.flags & 1),
    "remote link": _link(lambda k: k.flags & CONTEXT_IS_REMOTE),
    "dropped link attributes": _link(lambda k: k.dropped_attributes_count > 0),
    "resource of every type": lambda spans: all(
        {"interop.empty", "interop.replicas", "interop.ratio", "interop.canary", "interop.zones"}
        <= {attribute.key for attribute in it.resource.attributes}
        for it in spans
    ),
    "entity reference": lambda spans: any(it.resource.entity_refs for it in spans),
    "resource schema": lambda spans: any(it.resource_schema_url for it in spans),
    "scope version": lambda spans: any(it.scope.version == "1.2.3-β" for it in spans),
    "scope schema": lambda spans: any(it.scope_schema_url for it in spans),
    "scope attributes": lambda spans: any(it.scope.attributes for it in spans),
}


def problems(table, lacks):
    """Features that the spans of a run do not show though they should, or show though they are declared lacking."""
    shown = {name for name, test in FEATURES.items() if test(table.values())}
    lines = [f"no span shows: {name}" for name in FEATURES if name not in shown and name not in lacks]
    lines += [f"declared lacking, but shown: {name}" for name in FEATURES if name in shown and name in lacks]
    return lines
