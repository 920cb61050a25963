"""Logistic regression: the gradient is prediction minus label, carried back to the features.

A linear score z = X w + b becomes a probability by the sigmoid, which is the inverse of the
log-odds. The negative log-likelihood of labels 0 and 1 is log(1 + exp z) - y z for each sample, and
its derivative by z is σ(z) - y: what the model says minus what is true. The sigmoid's derivative
σ(z)(1 - σ(z)) is positive, so the loss is convex. Where the classes can be separated by a plane no
minimum exists without a penalty; half of lam times the square of w (not of b) gives one.

Sources: T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning, 2nd ed.,
4.4; C. M. Bishop, Pattern Recognition and Machine Learning, 4.3.2. The data are the Wisconsin
diagnostic breast cancer measurements of W. H. Wolberg, W. N. Street and O. L. Mangasarian (1995).
"""

import numpy as np
from scipy.special import expit

import symderive as sd

TITLE = {"en": "Logistic regression", "zh": "逻辑回归"}

n, d = sd.dims("n d")
X = sd.array("X", n, d)
y = sd.array("y", n, domain=sd.labels(0, 1))
w = sd.array("w", d)
b = sd.array("b")
lam = sd.array("lam", domain=sd.positive)

# The sigmoid: the probability whose log-odds are u.
u = sd.array("u")
p = sd.array("p", domain=sd.interval(0, 1))
LOG_ODDS = (
    sd.chain(np.log(expit(u) / (1 - expit(u))), title="Log-odds of the sigmoid")
    .to(np.log(expit(u) / expit(-u)), by="sigmoid")
    .to(np.log(np.exp(u)), by="sigmoid")
    .to(u, by="logarithm")
)
INVERSE = sd.check(expit(np.log(p / (1 - p))), "==", p)
SIGMOID_DERIVATIVE = (
    sd.chain(sd.D(expit(u), u), title="Derivative of the sigmoid")
    .to(np.exp(-u) / (1 + np.exp(-u)) ** 2, by=["chain rule", "sigmoid"])
    .to(expit(u) * (1 - expit(u)), by="sigmoid")
)

# The likelihood of one label, and its negative logarithm.
label = sd.array("label", domain=sd.labels(0, 1))
BERNOULLI = (
    sd.chain(-label * np.log(expit(u)) - (1 - label) * np.log(1 - expit(u)), title="Negative log-likelihood of a label")
    .to(-label * np.log(expit(u)) - (1 - label) * np.log(expit(-u)), by="sigmoid")
    .to(np.logaddexp(0, u) - label * u, by=["sigmoid", "softplus"])
)

z = sd.let("z", X @ w + b)
loss = np.sum(np.logaddexp(0, z) - y * z) / n + lam / 2 * np.sum(w**2)

OBJECTIVE = sd.objective(
    "logistic_regression",
    loss,
    wrt=[w, b],
    data="breast_cancer",
    standardize=True,
    constants={"lam": 0.01},
)

GRADIENT = sd.gradient(loss, [w, b])
IN_TEXTBOOKS = sd.check(
    GRADIENT,
    "==",
    {"w": "X.T @ (expit(X @ w + b) - y) / n + lam * w", "b": "np.sum(expit(X @ w + b) - y) / n"},
)

HESSIAN = sd.hessian(loss, w)
CONVEX = sd.claim("convex", loss, wrt=[w, b])

# The score: the gradient of the log-likelihood itself, from P(y = 1) = σ(x·w).
log_likelihood = np.sum(y * np.log(expit(X @ w)) + (1 - y) * np.log(1 - expit(X @ w)))
SCORE = sd.gradient(log_likelihood, w, title="Score of the Bernoulli likelihood").expect("X.T @ (y - expit(X @ w))")
