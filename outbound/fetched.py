"""What a server answered, as it is given to those who asked. Nothing is requested here."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

SNIFFED_BYTES = 1024
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([a-z0-9_:-]{2,40})", re.IGNORECASE)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_DECODABLE = """
    utf-8 utf-16 utf-16-le utf-16-be koi8-r koi8-u mac-roman shift_jis euc_jp iso2022_jp gb18030 big5 euc_kr cp866 cp874
    cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6
    iso8859-7 iso8859-8 iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16
""".split()  # noqa: SIM905
"""The WHATWG Encoding standard's, by Python's names. Others are no text, slow, or dangerous to decode."""

_TAKEN_FOR = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030"}


@dataclass(frozen=True)
class Fetched:
    """`content_type` is in small letters and without parameters, empty if there was none; `complete`: `body` was not
    cut."""

    status: int
    content_type: str
    charset: str | None
    body: bytes
    complete: bool = True

    def text(self) -> str:
        """Decoded by its byte order mark, else by the declared charset, else by a `<meta>` at its beginning, else as
        UTF-8; what cannot be decoded is replaced."""
        return self.body.decode(self._encoding(), "replace")

    def _encoding(self) -> str:
        for mark, encoding in _MARKS.items():
            if self.body.startswith(mark):
                return encoding
        found = _META.search(self.body[:SNIFFED_BYTES])
        for declared in (self.charset, found and found[1].decode("ascii")):
            known = _known(declared or "")
            if known is not None:
                return known
        return "utf-8"


def _known(declared: str) -> str | None:
    try:
        name = codecs.lookup(declared).name
    except (LookupError, ValueError):
        return None
    name = _TAKEN_FOR.get(name, name)
    return name if name in _DECODABLE else None
