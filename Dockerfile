# syntax=docker/dockerfile:1
# Two images: `service` (web, worker, beat, migrate) and `model`, which adds PyTorch for gpu-worker.
# The Python is the one that the tests run with.

FROM python:3.11-slim-bookworm AS build
# The scorer has one compiled module; the compiler stays behind in this stage.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
RUN python -m venv /opt/luss
COPY constraints.txt pyproject.toml README.md ./
COPY client client
COPY evaluator evaluator
COPY frontend frontend
COPY migrations migrations
COPY reference_model reference_model
COPY server server
COPY worker worker
RUN /opt/luss/bin/pip install --no-cache-dir --disable-pip-version-check \
    --constraint constraints.txt '.[server,worker]'

FROM build AS build-model
RUN /opt/luss/bin/pip install --no-cache-dir --disable-pip-version-check \
    --constraint constraints.txt '.[server,worker,model]'

FROM python:3.11-slim-bookworm AS runtime
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin luss \
    && install -d -o luss -g luss -m 0700 /data /vault
ENV PATH=/opt/luss/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LUSS_DATA_DIR=/data
WORKDIR /data
USER luss
EXPOSE 8000
# Of the web process; docker-compose.yml says what holds for the others.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["python", "-m", "uvicorn", "--factory", "server.app:create_app_from_environment", \
     "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--timeout-graceful-shutdown", "30"]

FROM runtime AS model
COPY --from=build-model /opt/luss /opt/luss

FROM runtime AS service
COPY --from=build /opt/luss /opt/luss
