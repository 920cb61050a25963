"""Documents: terminal text, Markdown, LaTeX, HTML and JSON from one model of a page."""
