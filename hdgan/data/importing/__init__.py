"""Imports public data sets, and masks and polygons of your own.

`import_data_set` writes the folders that training reads. Each format has a
module that finds the scenes of a source and reads their maps; the other modules
are shared.
"""

from hdgan.lazy_exports import lazy_exports

_EXPORTS = {
    "FORMATS": "hdgan.data.importing.options",
    "ImportOptions": "hdgan.data.importing.options",
    "ImportResult": "hdgan.data.importing.importer",
    "import_data_set": "hdgan.data.importing.importer",
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
