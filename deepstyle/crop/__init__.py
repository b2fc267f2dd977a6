"""Photos -> boxes -> garments."""
