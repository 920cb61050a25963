"""Models are fitted here: tables of data, minimisers, and what a fit reports."""
