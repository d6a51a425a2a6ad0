# Everything in one image, from the same lock as `make setup`. Build it with docker, podman or, on a cluster,
# `apptainer build cbir.sif docker-daemon://cbir:latest`; how to run it: README.md.
FROM python:3.11-slim-bookworm

COPY envs/lock.txt /workflow/envs/lock.txt
RUN python -m pip install --no-cache-dir --requirement /workflow/envs/lock.txt
COPY . /workflow

WORKDIR /data
# Caches of Snakemake and the packages, for a user without a home in the image
ENV HOME=/tmp
ENTRYPOINT ["snakemake", "--snakefile", "/workflow/Snakefile"]
CMD ["--cores", "all"]
