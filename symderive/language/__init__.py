"""What can be said: dimensions, arrays, domains, functions, and their views."""
