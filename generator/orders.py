"""From a request's path and body to work for the writer. Nothing is written, kept or answered here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from generator.calls import Write
from generator.connection import canonical_hash, read_object
from generator.items import read_item, read_mode
from generator.pictures import read_picture
from generator.wishes import read_count, read_mode_field, read_wishes
from generator.writing import Writer


@dataclass(frozen=True)
class Order:
    """`body_hash` is the same for requests that ask for the same."""

    body_hash: str
    write: Write


Read = Callable[[bytes], Order]
"""From a body to its order. Raises `GeneratorError`."""


@dataclass(frozen=True)
class Orders:
    writer: Writer

    def text(self, mode_name: str, body: bytes) -> Order:
        mode = read_mode(mode_name)
        fields = read_object(body)
        item = read_item(mode, fields)
        wishes = read_wishes(fields)
        return Order(canonical_hash(mode, fields), lambda: self.writer.write(mode, item, wishes))

    def ideas(self, body: bytes) -> Order:
        fields = read_object(body)
        mode = read_mode_field(fields)
        item = read_item(mode, fields)
        count = read_count(fields)
        return Order(canonical_hash("ideas", fields), lambda: self.writer.think_up(mode, item, count))

    def image(self, body: bytes) -> Order:
        fields = read_object(body)
        picture = read_picture(fields)
        return Order(canonical_hash("image", fields), lambda: self.writer.draw(picture))
