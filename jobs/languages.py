"""The languages that articles can be asked for in. Nothing is translated here, and no text is judged."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """`tag` is the primary tag of BCP 47; `others` are older or narrower tags for it."""

    tag: str
    name: str
    own_name: str
    others: tuple[str, ...] = ()


LANGUAGES = (
    Language("ar", "Arabic", "العربية", ("ara",)),
    Language("bg", "Bulgarian", "български", ("bul",)),
    Language("ca", "Catalan", "català", ("cat",)),
    Language("cs", "Czech", "čeština", ("ces", "cze")),
    Language("da", "Danish", "dansk", ("dan",)),
    Language("de", "German", "Deutsch", ("deu", "ger")),
    Language("el", "Greek", "ελληνικά", ("ell", "gre")),
    Language("en", "English", "English", ("eng",)),
    Language("es", "Spanish", "español", ("spa", "castellano")),
    Language("et", "Estonian", "eesti", ("est",)),
    Language("fa", "Persian", "فارسی", ("fas", "per", "farsi")),
    Language("fi", "Finnish", "suomi", ("fin",)),
    Language("fr", "French", "français", ("fra", "fre")),
    Language("he", "Hebrew", "עברית", ("heb", "iw")),
    Language("hi", "Hindi", "हिन्दी", ("hin",)),
    Language("hr", "Croatian", "hrvatski", ("hrv",)),
    Language("hu", "Hungarian", "magyar", ("hun",)),
    Language("id", "Indonesian", "Bahasa Indonesia", ("ind", "in")),
    Language("it", "Italian", "italiano", ("ita",)),
    Language("ja", "Japanese", "日本語", ("jpn",)),
    Language("ko", "Korean", "한국어", ("kor",)),
    Language("lt", "Lithuanian", "lietuvių", ("lit",)),
    Language("lv", "Latvian", "latviešu", ("lav",)),
    Language("nl", "Dutch", "Nederlands", ("nld", "dut", "flemish")),
    Language("no", "Norwegian", "norsk", ("nor", "nb", "nob", "nn", "nno", "bokmål")),
    Language("pl", "Polish", "polski", ("pol",)),
    Language("pt", "Portuguese", "português", ("por",)),
    Language("ro", "Romanian", "română", ("ron", "rum")),
    Language("ru", "Russian", "русский", ("rus",)),
    Language("sk", "Slovak", "slovenčina", ("slk", "slo")),
    Language("sl", "Slovenian", "slovenščina", ("slv", "slovene")),
    Language("sr", "Serbian", "српски", ("srp", "srpski")),
    Language("sv", "Swedish", "svenska", ("swe",)),
    Language("tr", "Turkish", "Türkçe", ("tur",)),
    Language("uk", "Ukrainian", "українська", ("ukr",)),
    Language("ur", "Urdu", "اردو", ("urd",)),
    Language("vi", "Vietnamese", "Tiếng Việt", ("vie",)),
    Language("zh", "Chinese", "中文", ("zho", "chi", "cmn", "mandarin")),
)


def _folded(text: str) -> str:
    """Lower case without accents, for comparing."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(each for each in parts if not unicodedata.combining(each)))


_KNOWN = {_folded(key): each for each in LANGUAGES for key in (each.tag, each.name, each.own_name, *each.others)}
_SUBTAGS = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{1,8}){1,8}")
_REMARK = re.compile(r"[^\s(]{1,40}(?: [^\s(]{1,40})?(?= ?\([^()]{1,40}\)$)")


def normalised(tag: str) -> Language | None:
    """The language meant by a tag ("en", "en-US", "EN_us") or a name ("German", "Deutsch"); None for any other."""
    asked = _folded(" ".join(tag[:100].split()))
    if _SUBTAGS.fullmatch(asked):
        asked = re.split(r"[-_]", asked)[0]
    elif remark := _REMARK.match(asked):
        asked = remark[0]
    return _KNOWN.get(asked)
