"""Cross-entropy: entropy plus divergence, so that fitting one is fitting the other.

H(P, Q) = -Σ p log q splits into what cannot be helped, H(P), and what the model adds, D(P‖Q). The
first part does not depend on Q, so that minimising the cross-entropy over Q is minimising the
divergence. With Q = softmax(z) its gradient by the logits is softmax(z) - p, and that is why
classifiers are trained with it: their errors are carried back as they are.

Sources: T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., 2.3; C. M. Bishop,
Pattern Recognition and Machine Learning, 4.3.4; I. Goodfellow, Y. Bengio and A. Courville, Deep
Learning, 6.2.2.
"""

import numpy as np

import symderive as sd

TITLE = {"en": "Cross-entropy", "zh": "交叉熵"}

k = sd.dims("k")
P = sd.array("P", k, domain=sd.simplex & sd.positive)
Q = sd.array("Q", k, domain=sd.simplex & sd.positive)

DECOMPOSITION = (
    sd.chain(sd.cross_entropy(P, Q), title="Entropy plus divergence")
    .to(np.sum(P * (np.log(P / Q) - np.log(P))), by="logarithm")
    .to(sd.kl(P, Q) + sd.entropy(P), by="algebra")
)
AT_LEAST_THE_ENTROPY = sd.check(sd.cross_entropy(P, Q), ">=", sd.entropy(P))
SAME_MINIMISERS = sd.claim("same_minimisers", sd.cross_entropy(P, Q), sd.kl(P, Q), wrt=Q)

# One sample: logits z, and a target that is a distribution (one-hot or smoothed).
z = sd.array("z", k)
BY_THE_LOGITS = sd.gradient(sd.cross_entropy(P, sd.softmax(z)), z, title="Gradient by the logits").expect(
    "sd.softmax(z) - P"
)

# Softmax classification: n samples, d features, k classes, one-hot labels in the rows of Y.
n, d = sd.dims("n d")
X = sd.array("X", n, d)
W = sd.array("W", d, k)
Y = sd.array("Y", n, k, domain=sd.one_hot)

Z = sd.let("Z", X @ W)
loss = np.mean(sd.cross_entropy(Y, sd.softmax(Z, axis=1)))

CLASSIFICATION = sd.gradient(loss, W, title="Softmax classification: the gradient by the weights")
IN_TEXTBOOKS = sd.check(CLASSIFICATION, "==", "X.T @ (sd.softmax(X @ W, axis=1) - Y) / n")
CONVEX = sd.claim("convex", loss, wrt=W)
