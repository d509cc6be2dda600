"""Lets griffe read the sections of Keras' docstrings.

griffe knows Google's sections only. It would show Keras' as call-outs, and the
lines of an example, which begin with `>>>`, as quotations.
"""

import re
import textwrap

import griffe

_RENAMED = {
    "Example": "Examples",
    "Call arguments": "Other args: Call arguments:",
}
# griffe takes what is returned for a list of typed items.
_TEXT = ("Input shape", "Output shape", "Returns")
_SECTION = re.compile(
    rf"^({'|'.join((*_RENAMED, *_TEXT))}):\n((?:(?:    .*)?(?:\n|\Z))+)",
    re.MULTILINE,
)


class KerasDocstrings(griffe.Extension):
    """Rewrites the sections of each docstring before griffe parses it."""

    def on_object(self, *, obj, **kwargs):
        # An alias shares the docstring of its target, which is read too.
        if obj.docstring and not obj.is_alias:
            obj.docstring.value = _SECTION.sub(_rewrite, obj.docstring.value)


def _rewrite(section):
    name, body = section.groups()
    if name in _TEXT:
        return f"**{name}:**\n\n{textwrap.dedent(body)}\n"
    title = _RENAMED[name]
    return f"{title}{'' if ': ' in title else ':'}\n{body}"
