# Everything in one image, from the same lock as `make setup`. README.md, "On a cluster", shows how to build it with
# docker or apptainer, and how to run it.
FROM python:3.11-slim-bookworm

COPY envs/lock.txt /workflow/envs/lock.txt
RUN python -m pip install --no-cache-dir --requirement /workflow/envs/lock.txt
COPY . /workflow

WORKDIR /data
# A user without a home in the image needs a folder for the caches of Snakemake and the packages.
ENV HOME=/tmp
ENTRYPOINT ["snakemake", "--snakefile", "/workflow/Snakefile"]
CMD ["--cores", "all"]
