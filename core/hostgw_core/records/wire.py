"""From bytes to a typed value of the wire, or to a refusal.

The quick way takes the usual spelling of each field. Go's encoding/json, and so flannel, takes a
field's name in any case: a record that lacks what it must have is read once more in that way.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec

from hostgw_core.keys import quoted
from hostgw_core.model import Refusal
from hostgw_core.store import Entry

MAX_VALUE: Final = 64 * 1024
"""The longest value that is looked at, in bytes. A lease needs about 200."""

Name = Annotated[str, msgspec.Meta(max_length=253)]
"""A node's name or id; 253 is the longest name DNS has (RFC 1035)."""

_ENCODER: Final = msgspec.json.Encoder()
_Value = TypeVar("_Value")


def encode(value: msgspec.Struct) -> bytes:
    """Write a value as one line of JSON, its fields in the order of their class."""
    return _ENCODER.encode(value)


def decode(decoder: msgspec.json.Decoder[_Value], entry: Entry) -> _Value | Refusal:
    """Read an entry's value, or say why not (`malformed_value`)."""
    if len(entry.value) > MAX_VALUE:
        return malformed(entry, f"it is longer than {MAX_VALUE} bytes")
    try:
        return decoder.decode(entry.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return malformed(entry, f"{error}")


def decode_in_any_case(decoder: msgspec.json.Decoder[_Value], entry: Entry) -> _Value | Refusal:
    """Read an entry's value once more, taking `publicip` for `PublicIP`."""
    fields = msgspec.structs.fields(decoder.type)  # type: ignore[arg-type]  # it is always a Struct
    names = {field.encode_name.casefold(): field.encode_name for field in fields}
    try:
        raw: dict[str, Any] = msgspec.json.decode(entry.value, type=dict)
        named = {names.get(name.casefold(), name): value for name, value in raw.items()}
        return msgspec.convert(named, decoder.type)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return malformed(entry, f"{error}")


def malformed(entry: Entry, why: str) -> Refusal:
    """Refuse a value that cannot be understood."""
    return Refusal(
        entry.key,
        "malformed_value",
        f"the value of {quoted(entry.key)} is not used: {why}; write it anew or delete the key",
    )
