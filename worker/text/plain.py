"""Takes the words out of Markdown: what a reader reads, without marks, addresses and code. Nothing is judged here.

Every expression takes time linear in the text: nothing in it can be matched in two ways.
"""

from __future__ import annotations

import re
import unicodedata

from worker.text.blocks import HEADING, LIST_ITEM, heading_text, lines_of

# Han, kana, and the marks that repeat or lengthen them; no space parts their words.
IDEOGRAPHS = "\u3005-\u3007\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff"
IDEOGRAPHS += "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]")
_WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\W_{IDEOGRAPHS}]+")
_LETTER = re.compile(r"[^\W_]")
_PARTED = re.compile(r"[\u2013\u2014\u2026|]")

_BLANK = re.compile(r"\n{3,}+")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,1000}>")
_AUTOLINK = re.compile(r"<[A-Za-z][A-Za-z+.-]{1,30}:[^<>\s]{0,2000}>")
_TARGET = (
    r"\([ \t]{0,9}[^()\s]{0,2000}(?:\([^()\s]{0,500}\)[^()\s]{0,500}){0,3}(?:[ \t]{1,9}[\"'][^\"'\n]{0,500}[\"'])?\)"
)
_IMAGE = re.compile(rf"!\[[^\[\]\n]{{0,1000}}\](?:{_TARGET}|\[[^\[\]\n]{{0,200}}\])")
_LINK = re.compile(rf"\[(?P<text>[^\[\]\n]{{0,1000}})\](?:{_TARGET}|\[[^\[\]\n]{{0,200}}\])")
_DEFINITION = re.compile(r" {0,3}\[[^\[\]]{1,200}\]:[ \t]")
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-;=?-~]{1,2000}", re.IGNORECASE)
_MARKED = re.compile(r"[\[<*_~`\\|]|https?:|www\.", re.IGNORECASE)
_RULED = ("-", "*", "_", "=", ":", "|", "+", "[")
_RULE = re.compile(r"[ \t]*(?:[-*_=:|+][ \t]*){3,}$")
_QUOTE = re.compile(r"(?:[ \t]{0,3}>){1,20}[ \t]?")
_CODE_MARKS = re.compile(r"`{1,20}")
_EMPHASIS = re.compile(r"[*~]{1,3}|(?<![^\W_])_{1,3}|_{1,3}(?![^\W_])")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def prose(markdown: str) -> str:
    """The text in paragraphs parted by a blank line; headings, list items and table rows are paragraphs too."""
    paragraphs: list[str] = []
    lines: list[str] = []
    for line in lines_of(_COMMENT.sub(" ", _BLANK.sub("\n\n", markdown)).splitlines()):
        read = "" if line.code else line.text.strip()
        heading = HEADING.match(line.text) if read else None
        text = line_text(heading_text(heading) if heading else read)
        if lines and (not text or heading or read[0] == "|" or LIST_ITEM.match(read)):
            paragraphs.append(" ".join(lines))
            lines = []
        if text:
            lines.append(text)
        if heading and lines:
            paragraphs.append(lines.pop())
    return "\n\n".join([*paragraphs, *([" ".join(lines)] if lines else [])])


def line_text(line: str) -> str:
    """One line without its marks; empty for one that has nothing to read."""
    line = line.strip()
    if line[:1] in _RULED and (_RULE.match(line) or _DEFINITION.match(line)):
        return ""
    quote = _QUOTE.match(line)
    line = line[quote.end() :] if quote else line
    item = LIST_ITEM.match(line)
    line = line[item.end() :] if item else line
    if _MARKED.search(line):
        line = _AUTOLINK.sub(" ", _LINK.sub(r"\g<text>", _IMAGE.sub(" ", line)))
        line = _ADDRESS.sub(" ", _TAG.sub("", line))
        line = _ESCAPE.sub(r"\1", _EMPHASIS.sub("", _CODE_MARKS.sub("", line))).replace("|", " ")
    return " ".join(line.split())


def without_code(markdown: str) -> str:
    """The text as it is, but for fenced blocks and code spans."""
    kept = "\n".join("" if line.code else line.text for line in lines_of(markdown.splitlines()))
    return re.sub(r"(`{1,3})(?!`)[^`\n]{1,500}\1", " ", kept)


def counted(text: str) -> tuple[int, int]:
    """The words that spaces part, and the characters of scripts that part none, of a text without marks."""
    characters = len(IDEOGRAPH.findall(text))
    spaced = _PARTED.sub(" ", IDEOGRAPH.sub(" ", text) if characters else text)
    return sum(1 for token in spaced.split() if _LETTER.search(token)), characters


def words(text: str) -> list[str]:
    """The words, folded so that case, accents and width make no difference; an ideograph is a word."""
    return _WORD.findall(folded(text))


def folded(text: str) -> str:
    """Lower case without accents, for comparing."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(each for each in parts if not unicodedata.combining(each)))
