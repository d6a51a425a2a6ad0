"""Content-based image retrieval in radiology: plain functions on arrays and tables, one module a noun of the data flow.

Nothing here imports Snakemake; only `cbir.models`, `cbir.embedding` and `cbir.probes` import torch.
"""

from cbir.own_packages import leave_snakemake_packages

leave_snakemake_packages()
