"""Derivations: recorded steps that are the computation, authored chains, proofs and their checker."""
