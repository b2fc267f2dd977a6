"""Photos -> boxes: networks, backends, training, evaluation."""
