"""Puts author and judge together: claims about formulas, and what to say when they are wrong."""
