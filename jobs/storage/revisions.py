"""What makes a write a change that readers are told of: the document's `rev`, and when it was. No write is made here.

A lease's renewal is no change. The moment is the database's own, so that all who look for changes agree on it.
"""

from __future__ import annotations

from jobs.storage.store import Document, Update


def changed(update: Update) -> Document:
    """The update, also raising `rev` and setting `changed_at`. It may name neither itself."""
    return {
        **update,
        "$inc": {"rev": 1, **update.get("$inc", {})},
        "$currentDate": {"changed_at": True},
    }
