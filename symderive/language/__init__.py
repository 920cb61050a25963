"""What can be said: dimensions, arrays, domains, functions, and their views.

NumPy's functions reach arrays through tables; the modules that fill them are loaded here.
"""

from symderive.language import joining, linear_algebra, products, reductions, reshaping, selections, ufuncs

__all__ = ["joining", "linear_algebra", "products", "reductions", "reshaping", "selections", "ufuncs"]
