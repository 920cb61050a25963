"""Relative entropy: never negative, zero only between equals, and not a distance.

D(P‖Q) = Σ p log(p/q) is what it costs, in nats, to describe P with a code that was made for Q. Gibbs'
inequality says that it is not negative: log t <= t - 1 at t = q/p, summed with the weights p, and
both sides of that are equal only at t = 1. It is not symmetric, for which one pair of distributions
is proof enough. It is convex in the pair.

Sources: S. Kullback and R. A. Leibler, On information and sufficiency, Ann. Math. Statist. 22 (1951);
T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., 2.3, 2.6 and 2.7.
"""

import numpy as np

import symderive as sd

TITLE = {"en": "KL divergence", "zh": "KL 散度"}

k = sd.dims("k")
P = sd.array("P", k, domain=sd.simplex & sd.positive)
Q = sd.array("Q", k, domain=sd.simplex & sd.positive)

divergence = sd.kl(P, Q)

NOT_NEGATIVE = sd.check(divergence, ">=", 0)
ZERO_ONLY_IF_EQUAL = sd.claim("equality_case", divergence, "==", 0, when=(P, "==", Q))
NOT_SYMMETRIC = sd.claim("exists", divergence, "!=", sd.kl(Q, P))
CONVEX_IN_THE_PAIR = sd.claim("convex", divergence, wrt=[P, Q])

# By the second distribution; on the simplex the multiplier is what keeps Σ q = 1.
GRADIENT = sd.gradient(divergence, Q).expect("-P / Q")
CLOSEST = sd.claim("stationary", divergence, wrt=Q, at=P, subject_to=[(np.sum(Q), "==", 1)])

# A model that is a softmax of logits: its prediction minus the target, once more.
z = sd.array("z", k)
TO_A_SOFTMAX = sd.gradient(sd.kl(P, sd.softmax(z)), z, title="Gradient by the logits").expect(
    "sd.softmax(z) - P"
)

# At the edge of the simplex, where P may be 0.
R = sd.array("R", k, domain=sd.simplex)
AT_THE_EDGE = sd.check(sd.kl(R, Q), ">=", 0)
