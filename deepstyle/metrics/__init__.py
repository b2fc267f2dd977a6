"""How good the samples are, and which real garments they are closest to."""
