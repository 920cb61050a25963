"""Least squares: the best fit leaves residuals that are orthogonal to every feature.

A linear model predicts X w + b. Its mean squared error, halved so that no 2 is left over, is the
objective. Its gradient is the features' correlation with the residuals; where it vanishes, the
residuals are orthogonal to the columns of X and sum to 0, and those are the normal equations. The
loss is convex, so that a solution of them is a minimum. The same gradient comes out of a
likelihood: with Gaussian noise of variance s the log-likelihood is the loss up to a factor and a
constant, and its score is the negative gradient over s.

Sources: T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning, 2nd ed.,
3.2; C. M. Bishop, Pattern Recognition and Machine Learning, 3.1.1. The diabetes data are those of
B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Least angle regression, Ann. Statist. 32 (2004).
"""

import numpy as np

import symderive as sd

TITLE = {"en": "Least squares", "zh": "最小二乘法"}

n, d = sd.dims("n d")
X = sd.array("X", n, d)
y = sd.array("y", n)
w = sd.array("w", d)
b = sd.array("b")

# The residuals, and half of their mean square.
r = sd.let("r", X @ w + b - y)
loss = np.sum(r**2) / (2 * n)

OBJECTIVE = sd.objective("least_squares", loss, wrt=[w, b], data="diabetes")

GRADIENT = sd.gradient(loss, [w, b])
IN_TEXTBOOKS = sd.check(GRADIENT, "==", {"w": "X.T @ (X @ w + b - y) / n", "b": "np.sum(X @ w + b - y) / n"})

HESSIAN = sd.hessian(loss, w).expect("X.T @ X / n")
CONVEX = sd.claim("convex", loss, wrt=[w, b])

# Without the intercept the gradient vanishes where the normal equations hold, and nowhere else.
plain = np.sum((X @ w - y) ** 2) / (2 * n)
WITHOUT_INTERCEPT = sd.gradient(plain, w, title="Gradient without the intercept").expect("X.T @ (X @ w - y) / n")
NORMAL_EQUATIONS = sd.claim("equality_case", WITHOUT_INTERCEPT, "==", 0, when=(X.T @ X @ w, "==", X.T @ y))

EXPANDED_BY_HAND = (
    sd.chain(np.sum((X @ w - y) ** 2), title="The square, multiplied out")
    .to(np.sum((X @ w) ** 2) - 2 * y @ (X @ w) + y @ y, by="algebra")
)

# The same from a likelihood: y is Gaussian around X w with the variance s.
s = sd.array("s", domain=sd.positive)
log_likelihood = np.sum(-((y - X @ w) ** 2) / (2 * s) - np.log(2 * np.pi * s) / 2)
SCORE = sd.gradient(log_likelihood, w, title="Score of the Gaussian likelihood").expect("X.T @ (y - X @ w) / s")
SAME_FIT = sd.claim("same_minimisers", -log_likelihood, plain, wrt=w)
