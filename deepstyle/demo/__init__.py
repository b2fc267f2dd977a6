"""Drawn fashion looks and a loopback website that shows them: a demo that needs nobody's photos."""

IMAGES = 80_000  # that the GAN sees, on a fast machine and a slow one: garments come with images, not with minutes (docs/log.md)
