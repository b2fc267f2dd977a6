"""The DCGAN of Radford, Metz and Chintala (2015, arXiv 1511.06434)."""
