"""Compares spans field by field and says precisely where they differ.

Everything counts: presence of messages and of oneof members, order of repeated fields, types of attribute values, the
bits of doubles. Two relaxations: every NaN equals every NaN (JSON cannot carry its payload), and an empty `status`, `scope`
or `resource` equals an absent one. OTLP gives both the same meaning ("when `Status` isn't set, assume unset"), and Tempo's
answers always hold all three.
"""

import math
import struct

EMPTY_IS_ABSENT = frozenset({"resource", "scope", "status"})


def tables(expected, actual):
    """The differences between two tables of placed spans, one line each; empty when they are equal."""
    found = []
    for key in expected.keys() - actual.keys():
        found.append(f"{_label(key, expected)}: missing from the answer")
    for key in actual.keys() - expected.keys():
        found.append(f"{_label(key, actual)}: never sent")
    for key in sorted(expected.keys() & actual.keys()):
        lines = placed(expected[key], actual[key])
        found.extend(f"{_label(key, expected)}: {line}" for line in lines)
    return found


def placed(expected, actual):
    """The differences between two placed spans."""
    found = []
    for name in ("resource", "scope", "span"):
        ours, theirs = getattr(expected, name), getattr(actual, name)
        _message_or_none(ours, theirs, name, name, found)
    for name in ("resource_schema_url", "scope_schema_url"):
        _scalar(getattr(expected, name), getattr(actual, name), name, found)
    return found


def _message_or_none(expected, actual, name, path, found):
    if name in EMPTY_IS_ABSENT:
        expected = expected if expected is not None and expected.ByteSize() else None
        actual = actual if actual is not None and actual.ByteSize() else None
    if expected is None and actual is None:
        return
    if expected is None or actual is None:
        found.append(f"{path}: sent {_show_message(expected)}, read back {_show_message(actual)}")
        return
    _message(expected, actual, path, found)


def _message(expected, actual, path, found):
    for field in expected.DESCRIPTOR.fields:
        where = f"{path}.{field.name}"
        if field.is_repeated:
            _repeated(getattr(expected, field.name), getattr(actual, field.name), field, where, found)
        elif field.has_presence:
            ours = getattr(expected, field.name) if expected.HasField(field.name) else None
            theirs = getattr(actual, field.name) if actual.HasField(field.name) else None
            if field.message_type is not None:
                _message_or_none(ours, theirs, field.name, where, found)
            else:
                _scalar(ours, theirs, where, found)
        else:
            _scalar(getattr(expected, field.name), getattr(actual, field.name), where, found)


def _repeated(expected, actual, field, path, found):
    if len(expected) != len(actual):
        found.append(f"{path}: sent {len(expected)}, read back {len(actual)}{_keys_that_differ(expected, actual)}")
        return
    for index, (ours, theirs) in enumerate(zip(expected, actual)):
        key = getattr(ours, "key", None)
        where = f"{path}[{index}]" if key is None else f"{path}[{index} {key!r}]"
        if field.message_type is not None:
            _message(ours, theirs, where, found)
        else:
            _scalar(ours, theirs, where, found)


def _scalar(expected, actual, path, found):
    if type(expected) is not type(actual) or _bits(expected) != _bits(actual):
        found.append(f"{path}: sent {_show(expected)}, read back {_show(actual)}")


def _bits(value):
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack(">d", value)
    return value


def _keys_that_differ(expected, actual):
    ours = [entry.key for entry in expected if hasattr(entry, "key")]
    theirs = [entry.key for entry in actual if hasattr(entry, "key")]
    lost = [key for key in ours if key not in theirs]
    added = [key for key in theirs if key not in ours]
    return "".join([f"; lost {lost}" if lost else "", f"; added {added}" if added else ""])


def _label(key, table):
    span = table[key].span
    return f"trace {key[0]} span {key[1]} {_show(span.name)}"


def _show(value):
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


def _show_message(message):
    if message is None:
        return "nothing"
    return _show(str(message).replace("\n", " ").strip()) if message.ByteSize() else "an empty message"
