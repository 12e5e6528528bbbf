"""Turns a file that somebody submits into article requests; stores nothing and validates no request."""
