"""OTLP messages of the suite: the SDK's export requests and both forms in which Causeline gives a trace back.

All three become the same thing: a table from `(trace id, span id)` to `Placed`, a span with the resource and the scope
it was sent under. How spans are grouped into messages is not a property of a span and is not compared.
"""

import base64
import json
import re
from dataclasses import dataclass

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData


class FormatError(Exception):
    """Bytes are not the message they should be."""


@dataclass
class Placed:
    """A span and where it was sent from. `resource` or `scope` is None when the message was absent."""

    resource: Resource | None
    resource_schema_url: str
    scope: InstrumentationScope | None
    scope_schema_url: str
    span: Span


def from_export_requests(bodies):
    """The spans of serialised `ExportTraceServiceRequest` messages; a resent request counts once."""
    table = {}
    for body in dict.fromkeys(bodies):
        request = ExportTraceServiceRequest.FromString(body)
        refuse_unknown_fields(request)
        _place(request.resource_spans, table)
    return table


def from_tempo(body):
    """The spans of a serialised `tempopb.TraceByIDResponse`."""
    response = _TRACE_BY_ID_RESPONSE.FromString(body)
    refuse_unknown_fields(response.trace)
    if response.status:
        raise FormatError(f"the answer calls itself partial: {response.message!r}")
    table = {}
    _place(response.trace.resource_spans, table)
    return table


def from_otlp_json(body):
    """The spans of an OTLP/JSON `TracesData` document, which must keep the rules of OTLP's JSON encoding."""
    document = json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_object)
    try:
        data = json_format.ParseDict(_to_proto3_json(document, TracesData.DESCRIPTOR, "$"), TracesData())
    except json_format.ParseError as error:
        raise FormatError(str(error)) from error
    table = {}
    _place(data.resource_spans, table)
    return table


def refuse_unknown_fields(message, path=""):
    """Fails on a field that the descriptors do not know: it would otherwise escape the comparison."""
    for unknown in UnknownFieldSet(message):
        raise FormatError(f"{path or message.DESCRIPTOR.name} has the unknown field number {unknown.field_number}")
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                refuse_unknown_fields(part, f"{path}.{field.name}")


def _place(resource_spans, table):
    for group in resource_spans:
        resource = group.resource if group.HasField("resource") else None
        for scoped in group.scope_spans:
            scope = scoped.scope if scoped.HasField("scope") else None
            for span in scoped.spans:
                key = (span.trace_id.hex(), span.span_id.hex())
                if key in table:
                    raise FormatError(f"span {key[1]} ({span.name[:40]!r}) comes twice")
                table[key] = Placed(resource, group.schema_url, scope, scoped.schema_url, span)


def _refuse_constant(name):
    raise FormatError(f"{name} is not JSON")


def _object(pairs):
    if len(dict(pairs)) != len(pairs):
        raise FormatError(f"an object names a field twice: {[name for name, _ in pairs]}")
    return dict(pairs)


def _to_proto3_json(value, descriptor, path):
    """Checks the rules that OTLP adds to proto3's JSON mapping, and undoes those that `json_format` does not know.

    Names are lowerCamelCase; ids are hex; enums are integers; 64-bit integers are decimal strings.
    Source: OTLP specification 1.11, "JSON Protobuf Encoding".
    """
    if not isinstance(value, dict):
        raise FormatError(f"{path} is not an object")
    fields = {field.json_name: field for field in descriptor.fields}
    rewritten = {}
    for name, part in value.items():
        if name not in fields:
            raise FormatError(f"{path} has the unknown field {name!r}")
        field = fields[name]
        parts = part if field.is_repeated else [part]
        if not isinstance(parts, list):
            raise FormatError(f"{path}.{name} is not an array")
        converted = [_scalar_or_message(each, field, f"{path}.{name}") for each in parts]
        rewritten[name] = converted if field.is_repeated else converted[0]
    return rewritten


def _scalar_or_message(value, field, path):
    if field.message_type is not None:
        return _to_proto3_json(value, field.message_type, path)
    if field.enum_type is not None and not (isinstance(value, int) and not isinstance(value, bool)):
        raise FormatError(f"{path} is {value!r}; enums are integers")
    if field.type in _WIDE_INTEGERS and not (isinstance(value, str) and re.fullmatch(r"-?\d+", value)):
        raise FormatError(f"{path} is {value!r}; 64-bit integers are decimal strings")
    if field.name in ("trace_id", "span_id", "parent_span_id"):
        if not (isinstance(value, str) and re.fullmatch(r"([0-9a-f]{2})*", value)):
            raise FormatError(f"{path} is {value!r}; ids are lower-case hex")
        return base64.b64encode(bytes.fromhex(value)).decode()
    return value


def _trace_by_id_response():
    """The class of `tempopb.TraceByIDResponse`, whose trace is laid out like OTLP's `TracesData`."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="interop/tempo.proto", package="tempopb", syntax="proto3")
    file.dependency.append(TracesData.DESCRIPTOR.file.name)
    file.message_type.add(name="TraceByIDMetrics")
    response = file.message_type.add(name="TraceByIDResponse")
    trace_type = "." + TracesData.DESCRIPTOR.full_name
    for number, name, kind, type_name in (
        (1, "trace", kinds.TYPE_MESSAGE, trace_type),
        (2, "metrics", kinds.TYPE_MESSAGE, ".tempopb.TraceByIDMetrics"),
        (3, "status", kinds.TYPE_INT32, None),
        (4, "message", kinds.TYPE_STRING, None),
    ):
        response.field.add(name=name, number=number, label=kinds.LABEL_OPTIONAL, type=kind, type_name=type_name)
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tempopb.TraceByIDResponse"))


_WIDE_INTEGERS = frozenset(
    getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name}")
    for name in ("INT64", "UINT64", "SINT64", "FIXED64", "SFIXED64")
)
_TRACE_BY_ID_RESPONSE = _trace_by_id_response()
