# Recipebook in a container: each goal of make is an argument of `docker run` (docs/containers.md).
#
#   docker build --tag recipebook .                             torch's build for NVIDIA GPUs
#   docker build --tag recipebook --build-arg TORCH_INDEX=… .   the build of another index, such as that for processors
FROM python:3.11.13-slim-bookworm

# An index of packages in which pip looks, too.
ARG TORCH_INDEX=""
# The user inside. With your own number, what it writes into a mounted folder is yours.
ARG USER_ID=1000

# g++ compiles kernels when they are first used, git names the commit of a run, bubblewrap makes boxes for shell tasks.
# Their versions are those of the base's Debian.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap g++ git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid "${USER_ID}" recipebook \
    && install --directory --owner recipebook /recipebook

USER ${USER_ID}
WORKDIR /recipebook
COPY --chown=${USER_ID} . .
RUN PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL="${TORCH_INDEX}" make setup

ENTRYPOINT ["make"]
CMD ["help"]
