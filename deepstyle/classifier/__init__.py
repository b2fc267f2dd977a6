"""Which category a garment is of; also the feature extractor of the metrics."""
