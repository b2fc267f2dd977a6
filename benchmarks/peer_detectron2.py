"""detectron2's DefaultPredictor on photos, as its documentation shows it; run by crop_speed.py and same_network.py.

    python benchmarks/peer_detectron2.py SIDE PHOTO...

Faster R-CNN R50-FPN with random weights at SIDE pixels, three labels, one photo at a time; decoding counts, writing
crops is spared. Prints one JSON line: photos, seconds in the loop, boxes found.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import numpy as np
import torch
from PIL import Image


def main() -> None:
    """Detect on every photo named on the command line."""
    warnings.simplefilter("ignore")
    from detectron2 import model_zoo
    from detectron2.engine import DefaultPredictor

    side, paths = int(sys.argv[1]), sys.argv[2:]
    cfg = model_zoo.get_config("COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml")
    cfg.MODEL.WEIGHTS, cfg.MODEL.ROI_HEADS.NUM_CLASSES, cfg.DATASETS.TEST = "", 3, ()
    cfg.MODEL.DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
    cfg.INPUT.MIN_SIZE_TEST = side
    torch.manual_seed(0)
    predictor = DefaultPredictor(cfg)
    predictor(np.zeros((825, 550, 3), np.uint8))
    start, found = time.perf_counter(), 0
    for path in paths:
        photo = np.asarray(Image.open(path).convert("RGB"))[:, :, ::-1]
        found += len(predictor(photo)["instances"])
    print(json.dumps({"photos": len(paths), "seconds": time.perf_counter() - start, "boxes": found}))


if __name__ == "__main__":
    main()
