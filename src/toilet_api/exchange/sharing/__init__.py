"""The catalogue of data for sharing: what there is, who may have which part of it, and who took what."""
