"""What can be said: dimensions, arrays, domains, functions, and their views.

NumPy's functions reach arrays through the tables that these modules fill when they are loaded.
"""

from symderive.language import linear_algebra, selections

__all__ = ["linear_algebra", "selections"]
