"""Checks the checker: every field of a recorded span, when changed, must be reported.

The comparison would be worthless if it skipped a field. So each scalar, message and list of real, recorded spans is
altered in a copy, one at a time, and the comparison has to find exactly that; unaltered copies must compare equal. The
OTLP/JSON reader is checked against a JSON form made from the same spans.
"""

import base64
import copy
import json

from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, TracesData

from driver import compare, traces


def problems(table):
    """What is wrong with the comparison, judged on the spans of `table`; empty when it is sound."""
    found = compare.tables(table, copy.deepcopy(table))
    found += compare.tables(table, traces.from_otlp_json(_otlp_json(table)))
    altered = set()
    for original in table.values():
        for part in ("resource", "scope", "span"):
            if getattr(original, part) is None:
                continue
            for path in _paths(getattr(original, part)):
                if path == ("status",) and not original.span.status.ByteSize():
                    continue  # an empty status says the same as none
                # One alteration per kind of place is enough; the recording has hundreds of thousands of places.
                kind = (part, *(step for step in path if isinstance(step, str)))
                if kind in altered:
                    continue
                altered.add(kind)
                changed = copy.deepcopy(original)
                _alter(getattr(changed, part), path)
                if len(compare.placed(original, changed)) != 1:
                    found.append(f"a change of {part} {path} was not reported once")
        for name in ("resource_schema_url", "scope_schema_url"):
            changed = copy.deepcopy(original)
            setattr(changed, name, "changed")
            if len(compare.placed(original, changed)) != 1:
                found.append(f"a change of {name} was not reported once")
    key = next(iter(table))
    fewer = {other: place for other, place in table.items() if other != key}
    if len(compare.tables(table, fewer)) != 1 or len(compare.tables(fewer, table)) != 1:
        found.append("a lost or an added span was not reported")
    return found


def _paths(message, path=()):
    """The place of every field that is set, as names and list positions."""
    for field, value in message.ListFields():
        here = (*path, field.name)
        yield here
        if field.message_type is None:
            continue
        if field.is_repeated:
            for index, part in enumerate(value):
                yield from _paths(part, (*here, index))
        else:
            yield from _paths(value, here)


def _alter(message, path):
    """Changes the field at `path`: clears messages and lists, changes scalars."""
    for step in path[:-1]:
        message = message[step] if isinstance(step, int) else getattr(message, step)
    name = path[-1]
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated:
        del getattr(message, name)[-1]
    elif field.message_type is not None:
        message.ClearField(name)
    else:
        setattr(message, name, _other(getattr(message, name)))


def _other(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value - 1 if value > 0 else value + 1
    if isinstance(value, float):
        return 0.125 if value != 0.125 else 0.25
    return value + (b"x" if isinstance(value, bytes) else "x")


def _otlp_json(table):
    """An OTLP/JSON document of the spans, one group a span."""
    data = TracesData()
    for place in table.values():
        scoped = ScopeSpans(scope=place.scope, schema_url=place.scope_schema_url, spans=[place.span])
        data.resource_spans.append(
            ResourceSpans(resource=place.resource, schema_url=place.resource_schema_url, scope_spans=[scoped])
        )
    document = json_format.MessageToDict(data, use_integers_for_enums=True)
    return json.dumps(_hex_ids(document))


def _hex_ids(value):
    if isinstance(value, list):
        return [_hex_ids(part) for part in value]
    if not isinstance(value, dict):
        return value
    names = {"traceId", "spanId", "parentSpanId"}
    return {
        name: base64.b64decode(part).hex() if name in names else _hex_ids(part)
        for name, part in value.items()
    }
