"""Where the subjects and data sets that come with symderive are, however it was installed.

A wheel carries them inside the package; a clone and an editable install have them at the top of the
repository, beside the package. The inner place is asked first: beside an installed package, a
folder of that name would be somebody else's.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "derivations", _PACKAGE.parent / "derivations")

#: The folder of the shipped subjects. It need not exist: the engine works without any.
DERIVATIONS = next((place for place in _PLACES if place.is_dir()), _PLACES[0])

#: The folder of the shipped data sets.
DATA = DERIVATIONS / "data"
