"""Entropy: at most log k, and only where all k outcomes are equally likely.

Entropy is the average surprise -Σ p log p, in nats. That it is at most log k is Gibbs' inequality
for the uniform distribution: log k - H(P) is the relative entropy from P to it. A Lagrange
multiplier finds the same point, where the gradient -log p - 1 does not depend on the outcome, and
since -H is convex that point is the only maximum.

Source: T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., 2.1, 2.6 and 12.1.
"""

import numpy as np

import symderive as sd

TITLE = {"en": "Entropy", "zh": "熵"}

k = sd.dims("k")
P = sd.array("P", k, domain=sd.simplex & sd.positive)
uniform = sd.ones(k) / k

entropy = sd.entropy(P)

GRADIENT = sd.gradient(entropy, P).expect("-np.log(P) - 1")
GAP_IS_A_DIVERGENCE = (
    sd.chain(np.log(k) - entropy, title="The distance to the bound")
    .to(np.sum(P * np.log(P)) + np.log(k) * np.sum(P), by="simplex")
    .to(np.sum(P * np.log(k * P)), by="logarithm")
    .to(sd.kl(P, uniform), by=["logarithm", "simplex"])
)
AT_MOST_LOG_K = sd.check(entropy, "<=", np.log(k))
ONLY_UNIFORM = sd.claim("equality_case", entropy, "==", np.log(k), when=(P, "==", uniform))
STATIONARY = sd.claim("stationary", entropy, wrt=P, at=uniform, subject_to=[(np.sum(P), "==", 1)])
CONCAVE = sd.claim("convex", -entropy, wrt=P)

# Nothing is lost at the edge of the simplex, where some outcomes never happen and 0·log 0 is 0.
R = sd.array("R", k, domain=sd.simplex)
NOT_NEGATIVE = sd.check(sd.entropy(R), ">=", 0)
AT_THE_EDGE = sd.check(sd.entropy(R), "<=", np.log(k))
