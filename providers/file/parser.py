"""The parser: what the text of a file says, where only documents that are new are parsed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.file.contents import Contents, Fault, joined
from providers.file.format import Format, format_of
from providers.file.vocabulary import Vocabulary
from xds.codec.document import Text, locate
from xds.model import ConfigError, Diagnostic, Object, Origin

Documents = Mapping[str, tuple[int, Contents]]
"""The documents of a file: text -> the line it starts at, and what it says."""

HINTS: Final[Mapping[str, str]] = {
    "apiVersion": "for instance apiVersion: gateway.networking.k8s.io/v1",
    "kind": "for instance kind: HTTPRoute",
    "metadata": "for instance metadata: {name: my-route}",
    "metadata.name": "every object has a name, in quotes where it looks like a number",
    "metadata.namespace": "put it in quotes where it looks like a number",
}


class Parser:
    """Parses files for one vocabulary. Each document counts on its own: a broken one is a fault beside the others."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def parse(self, text: str, file: str, known: Documents) -> tuple[Contents, Documents]:
        """The contents of a file, and its documents to be given as `known` the next time."""
        form = format_of(file)
        documents: dict[str, tuple[int, Contents]] = {}
        parts = []
        try:
            for one in form.divide(text, file):
                line, contents = known.get(one.text) or (one.line, self._document(one, file, form))
                parts.append(contents.moved(one.line - line))
                documents[one.text] = one.line, parts[-1]
        except ConfigError as error:
            return failed(error), known
        return joined(parts, cut=form.ends_with_newline and bool(text) and not text.endswith("\n")), documents

    def _document(self, one: Text, file: str, form: Format) -> Contents:
        try:
            return joined((self._item(item, data, file) for item, data in form.items(one, file)), cut=False)
        except ConfigError as error:
            return failed(error)

    def _item(self, one: Text, data: Any, file: str) -> Contents:
        origin = Origin(file, one.line, one.text)
        if not isinstance(data, dict):
            what = "is no object: a document has apiVersion, kind and metadata"
            return failed(ConfigError(what, origin=origin))
        try:
            said = Object.of(data, origin=origin)
        except ConfigError as error:
            return failed(error)
        except (ValueError, RecursionError):
            return failed(
                ConfigError("contains itself", origin=origin, hint="an alias must not stand inside its own anchor")
            )
        fault = self._vocabulary.fault(said)
        return Contents((said,) if self._vocabulary.knows(said) else (), (fault,) if fault else ())


def failed(error: ConfigError) -> Contents:
    """The contents of what cannot be read: nothing but a fault, that may be about any object."""
    where = error.origin and locate(error.origin, error.field)
    hint = error.hint or HINTS.get(error.field, "")
    return Contents(faults=(Fault(Diagnostic(error.message, None, error.field, where, hint)),))
