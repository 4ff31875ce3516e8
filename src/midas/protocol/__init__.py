"""A dataset protocol file ↔ a validated, frozen `Protocol`.

In come YAML files that people write; out come frozen values, or errors that name the line and what to do. It reads no
data, knows no server and never guesses: what a protocol does not say clearly is refused.
"""

from midas.protocol.checks import normal_heading, variables
from midas.protocol.diff import Change, diff
from midas.protocol.load import Loaded, ProtocolError, load, load_named, parse, shipped
from midas.protocol.model import Protocol
from midas.protocol.schema import published, schema, schema_text
from midas.protocol.template import write_new

__all__ = [
    "Change", "Loaded", "Protocol", "ProtocolError", "diff", "load", "load_named", "normal_heading", "parse",
    "published", "schema", "schema_text", "shipped", "variables", "write_new",
]  # fmt: skip
