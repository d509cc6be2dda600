"""Package attributes that are imported at first use."""

import importlib


def lazy_exports(package, exports):
    """Makes the `__getattr__` and `__dir__` of a package (PEP 562).

    A package that defines them with this function is imported without the
    modules of its exports: each is imported when the attribute is first read.

    Args:
        package: str, `__name__` of the package.
        exports: dict from a public name to the module that defines it. A
            module that is exported itself maps to its own full name.

    Returns:
        Two functions, to be assigned to `__getattr__` and `__dir__`.

    Example:
        >>> _EXPORTS = {"Client": "hdgan.serving.client"}
        >>> __all__ = [*_EXPORTS]
        >>> __getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
    """

    def get_attribute(name):
        if name not in exports:
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}"
            )
        module = importlib.import_module(exports[name])
        if exports[name] == f"{package}.{name}":
            return module
        return getattr(module, name)

    def list_names():
        return sorted(exports)

    return get_attribute, list_names
