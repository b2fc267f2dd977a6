"""Drawn fashion looks and a loopback website that shows them: a demo that needs nobody's photos."""
