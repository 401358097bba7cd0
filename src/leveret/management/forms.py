"""Forms, as a web page sends a file with them: multipart/form-data (RFC 7578)."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING, Final

from leveret.management.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM: Final = "multipart/form-data"
# A page's form has a few; looking for them takes time for each.
FIELDS_MAX: Final = 16


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form."""
    return content_type.partition(";")[0].strip().lower() == FORM


def field_of_form(octets: bytes, content_type: str, name: str) -> bytes:
    """The content of a field, and of the first one if there are several; 400 if there is none."""
    boundary = _parameter("content-type", content_type, "boundary")
    if not boundary:
        raise bad_request("the form has no boundary")
    for disposition, content in _fields(octets, b"--" + boundary.encode(errors="replace")):
        if _parameter("content-disposition", disposition, "name") == name:
            return content
    raise bad_request(f"the form has no field '{name}'")


def _fields(octets: bytes, delimiter: bytes) -> Iterator[tuple[str, bytes]]:
    """Each with its content-disposition."""
    parts = (b"\r\n" + octets).split(b"\r\n" + delimiter, FIELDS_MAX + 1)
    # What is before the first delimiter and after the last one is nothing.
    for part in parts[1 : FIELDS_MAX + 1]:
        if part.startswith(b"--"):
            return
        head, _, content = part.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            field, _, value = line.partition(b":")
            if field.strip().lower() == b"content-disposition":
                yield value.strip().decode(errors="replace"), content


def _parameter(header: str, value: str, name: str) -> str | None:
    message = Message()
    message[header] = value
    try:
        found = message.get_param(name, header=header)
    except (TypeError, ValueError, LookupError):
        # Some continuations of parameters (RFC 2231) are beyond the library.
        return None
    # A tuple is one in another character set, which no form has.
    return found if isinstance(found, str) else None
