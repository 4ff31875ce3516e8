"""MIDAS: open a released dataset with `midas.open("oral-cancer@1.0.0", hub=…)` or from a folder.

Everything heavier than the standard library is imported at the first use, so that `import midas` stays quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from midas.sdk import Release as Release
    from midas.sdk import open as open

__version__ = "0.1.0"
__all__ = ["Release", "__version__", "open"]


def __getattr__(name: str) -> Any:
    if name in {"open", "Release"}:
        from midas import sdk

        return getattr(sdk, name)
    raise AttributeError(f"module 'midas' has no attribute {name!r}")
