"""Lagrange multipliers: on a constraint, the gradients are parallel.

Where f has an extremum on g = 0, its gradient is a multiple of the constraint's: the gradient of
the Lagrangian f - λg by the variables and by λ vanishes. On the circle x² + 2y² is between 1 and 2.
Of all distributions the uniform one has the largest entropy, log k. With the mean energy weighed in
by an inverse temperature b, the largest is the Gibbs distribution, a softmax of the energies. And
the shortest vector with a given product with a is a multiple of a. That these are global extrema is
convexity: a stationary point of a convex function under an affine constraint is a minimum.

Sources: J. Stewart, Calculus, 8th ed., 14.8; T. M. Cover and J. A. Thomas, Elements of Information
Theory, 2nd ed., 12.1; S. Boyd and L. Vandenberghe, Convex Optimization, 5.5.3.
"""

import numpy as np

import symderive as sd

TITLE = {"en": "Lagrange multipliers", "zh": "拉格朗日乘数法"}

# The ends of a quadratic on the circle: compactness makes them global.
x = sd.array("x")
y = sd.array("y")
on_the_circle = sd.lagrange(x**2 + 2 * y**2, (x**2 + y**2, "==", 1), [x, y])
SYSTEM = on_the_circle.derivation
ON_THE_CIRCLE = on_the_circle.verdict

# The entropy's maximum, for every number of outcomes.
k = sd.dims("k")
P = sd.array("P", k, domain=sd.simplex & sd.positive)
E = sd.array("E", k)
b = sd.array("b")
entropy = sd.entropy(P)
on_the_simplex = sd.lagrange(entropy, (np.sum(P), "==", 1), P)
ENTROPY_SYSTEM = on_the_simplex.derivation
MAXIMUM_ENTROPY = on_the_simplex.verdict
UNIFORM = sd.claim("stationary", entropy, wrt=P, at=sd.ones(k) / k, subject_to=[(np.sum(P), "==", 1)])
CONCAVE = sd.claim("concave", entropy, wrt=P)

# With an energy: the Gibbs distribution.
GIBBS = sd.lagrange(entropy - b * E @ P, (np.sum(P), "==", 1), P).verdict

# The shortest vector on a hyperplane.
n = sd.dims("n")
w = sd.array("w", n)
a = sd.array("a", n, domain=sd.nonzero)
SHORTEST = sd.lagrange(w @ w, (a @ w, "==", 1), w).verdict
STRONGLY_CONVEX = sd.claim("strongly_convex", w @ w, wrt=w)
