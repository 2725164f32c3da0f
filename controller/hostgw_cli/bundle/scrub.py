"""Takes secrets out of a text before it leaves the host: pure.

By what they look like, wherever they stand: private keys in PEM, the user and password of a URL,
the credentials of an Authorization header, JSON web tokens, and the value behind any name that
speaks of a password, secret or token. And by what they are: the values that this command was given
itself. Rather one word too many than one too few; what was taken out is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

REMOVED: Final = "(removed)"

_NAMES: Final = (
    r"[\w.-]*(?:password|passwd|passphrase|secret|token|credential|api[_-]?key|private[_-]?key)"
)
_PEM: Final = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL
)
_USERINFO: Final = re.compile(r"(?<=://)[^\s/@\"']*@")
_AUTHORIZATION: Final = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_JWT: Final = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_QUOTED: Final = re.compile(rf'(?i)(\\*"{_NAMES}\w*\\*"\s*:\s*)(\\*")((?:[^"\\]|\\[^"])*)(\\*")')
_PLAIN: Final = re.compile(
    rf"(?i)((?:^|[\s\"'&?,;{{(]|--){_NAMES}(?![\w-]*file)\w*\s*[=:]\s*)([^\s\"',;&}}]+)"
)
_SHORTEST: Final = 4  # characters: a shorter value would take words of others along


def scrub(text: str, known: Iterable[str] = ()) -> str:
    """Give the text without secrets; `known` are values to be removed wherever they stand."""
    for value in sorted(set(known), key=len, reverse=True):
        if len(value) >= _SHORTEST:
            text = text.replace(value, REMOVED)
    text = _PEM.sub(rf"-----BEGIN \1----- {REMOVED}", text)
    text = _USERINFO.sub(f"{REMOVED}@", text)
    text = _AUTHORIZATION.sub(rf"\1 {REMOVED}", text)
    text = _JWT.sub(REMOVED, text)
    text = _QUOTED.sub(rf"\1\2{REMOVED}\4", text)
    return _PLAIN.sub(rf"\1{REMOVED}", text)
