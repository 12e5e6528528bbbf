# One image for every process: the command says which. Build context: the checkout.
#   docker build --build-arg VERSION="$(git describe --always)" -t pressrun .
# It runs as user 10001 with a read-only root. Written are /tmp (files that are being uploaded: give it memory or a tmpfs) and,
# by the generator alone, /data (what it has generated, for repeated keys: give it a volume).
ARG PYTHON=3.12-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /checkout
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY deploy/image/install deploy/image/install
COPY jobs jobs
COPY outbound outbound
COPY service service
COPY worker worker
COPY generator generator
COPY pressrun pressrun
RUN deploy/image/install /checkout /opt/pressrun

FROM python:${PYTHON}
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Pressrun" \
      org.opencontainers.image.description="Bulk content generation that cannot lose work" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/opt/pressrun/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN groupadd --system --gid 10001 pressrun \
    && useradd --system --uid 10001 --gid pressrun --home-dir /data --create-home pressrun
COPY --from=build /opt/pressrun /opt/pressrun
USER 10001:10001
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["pressrun"]
CMD ["service"]
# Of the service. Others say theirs where they are started: pressrun health worker, pressrun health generator.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 CMD ["pressrun", "health", "service"]
