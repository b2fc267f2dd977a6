"""Label files of public data sets, read into one COCO form."""
