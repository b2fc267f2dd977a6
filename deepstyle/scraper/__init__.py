"""Galleries on the web -> photos in the catalog, politely and safely."""
