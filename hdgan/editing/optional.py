"""Libraries of the extra `editing`, imported where they are used."""


def import_scipy_ndimage():
    """Returns `scipy.ndimage`.

    Raises:
        ValueError: if SciPy is not installed.
    """
    try:
        from scipy import ndimage
    except ImportError as error:
        raise ValueError(
            "Connected areas and the filling of holes need SciPy, which is "
            "not installed: pip install scipy"
        ) from error
    return ndimage
