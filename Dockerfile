# redose with its locked environment: `docker build -t redose:0.1.0 .` in the repository's folder (docs/cluster.md).
# Packages come from the index that uv and pip are set to use where the image is built; kubernetes.lock holds their hashes.
FROM python:3.12-slim-bookworm
# copies to and from the volume of the pods are made by rsync
RUN apt-get update && apt-get install -y --no-install-recommends rsync && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/redose
COPY bootstrap.lock kubernetes.lock ./
RUN python3.12 -m venv /opt/uv && /opt/uv/bin/python -m pip install --no-cache-dir --require-hashes --no-deps \
    --only-binary :all: -r bootstrap.lock
# with byte code, or every start of Snakemake takes several times as long
RUN /opt/uv/bin/uv venv --python /opt/uv/bin/python /opt/redose/.venv && UV_COMPILE_BYTECODE=1 /opt/uv/bin/uv pip sync \
    --no-cache --python /opt/redose/.venv/bin/python --require-hashes --build-constraints kubernetes.lock kubernetes.lock
COPY . .
RUN /opt/uv/bin/uv pip install --no-cache --python /opt/redose/.venv/bin/python --no-deps --no-build-isolation \
    --compile-bytecode --editable .
# a pod asks pip for the storage plugin, which is there already: no job needs the network
RUN printf '#!/bin/sh\nexit 0\n' > /opt/redose/.venv/bin/pip && chmod +x /opt/redose/.venv/bin/pip
# any user may run it: a home for what compilers and matplotlib keep
ENV PATH=/opt/redose/.venv/bin:$PATH HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /workdir
CMD ["snakemake", "--snakefile", "/opt/redose/Snakefile", "--cores", "all"]
