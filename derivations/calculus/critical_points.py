"""Critical points: where a gradient vanishes, and what the Hessian does and does not say there.

The folium x³ + y³ - 3xy has two critical points, found by solving ∇f = 0 exactly: a saddle at the
origin and a minimum at (1, 1). There the Hessian decides. It does not for Peano's surface
(y - x²)(y - 3x²): its Hessian at the origin is singular, along every line through the origin it has
a minimum, and yet between the two parabolas, on y = 2x², it falls. Eliminating y where ∂f/∂y = 0
leaves -x⁴, which shows it. A whole curve of critical points is a family: the rim of the crater
(x² + y² - 1)² is a circle of minima.

Sources: J. Stewart, Calculus, 8th ed., 14.7; G. Peano in A. Genocchi, Calcolo differenziale, 1884,
133-136; J. Milnor, Morse Theory, 1963, 2.
"""

import numpy as np

import symderive as sd

TITLE = {"en": "Critical points of surfaces", "zh": "曲面的临界点"}

x = sd.array("x")
y = sd.array("y")

# Two critical points, and no others.
folium = x**3 + y**3 - 3 * x * y
GRADIENT = sd.gradient(folium, [x, y])
IN_TEXTBOOKS = sd.check(GRADIENT, "==", {"x": "3 * x**2 - 3 * y", "y": "3 * y**2 - 3 * x"})
CRITICAL_POINTS = sd.critical_points(folium, [x, y]).verdict
A_MINIMUM = sd.claim("minimum", folium, wrt=[x, y], at=[1, 1])
A_SADDLE = sd.claim("saddle", folium, wrt=[x, y], at=[0, 0])

# At the minimum the tangent plane is level, and the second-order terms are a definite form.
LEVEL = sd.tangent_plane(folium, [x, y], at=[1, 1]).verdict
SECOND_ORDER = sd.taylor(folium, [x, y], at=[1, 1]).verdict

# A singular Hessian: a minimum along every line (here y = x) and no minimum.
peano = (y - x**2) * (y - 3 * x**2)
ON_A_LINE = sd.claim("minimum", (x - x**2) * (x - 3 * x**2), wrt=x, at=0)
ON_A_PARABOLA = sd.claim("maximum", (2 * x**2 - x**2) * (2 * x**2 - 3 * x**2), wrt=x, at=0)
PEANO = sd.claim("saddle", peano, wrt=[x, y], at=[0, 0])

# A circle of minima around a peak, and a function with infinitely many points of each kind.
CRATER = sd.critical_points((x**2 + y**2 - 1) ** 2, [x, y]).verdict
EGG_BOX = sd.critical_points(np.sin(x) * np.sin(y), [x, y]).verdict
