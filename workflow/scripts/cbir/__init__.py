"""Content-based image retrieval in radiology: plain functions on arrays and tables, in rooms that follow the data.

Nothing here imports Snakemake; only `encoders`, `embeddings.images` and `tasks.linear_probe` import torch.
"""

from cbir.own_packages import leave_snakemake_packages

leave_snakemake_packages()
