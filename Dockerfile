# Steelyard in one container: database, servers and worker, data in the volume /data.
#
#   docker build -t steelyard .
#   docker run -p 8000:8000 -v steelyard:/data --stop-timeout 45 steelyard
#
# Without a daemon: buildah bud --format docker -t steelyard . (its own format knows no HEALTHCHECK; --isolation chroot
# where it may make no namespaces).
#
# For a database elsewhere set STEELYARD_DATABASE_URL. `docker stop` sends SIGTERM, upon which requests and jobs in
# flight are finished; its usual 10 s are less than STEELYARD_DRAIN_SECONDS (30), hence --stop-timeout.

FROM node:22-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web/ ./
RUN npm run build

FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements/ requirements/
RUN python -m venv /opt/steelyard \
 && /opt/steelyard/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY src/ src/
COPY --from=web /src/src/steelyard/web_bundle/ src/steelyard/web_bundle/
COPY examples/photos/ examples/photos/
RUN /opt/steelyard/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index .

FROM python:3.12-slim
COPY --from=build /opt/steelyard /opt/steelyard
RUN useradd --system --uid 10001 --no-create-home --home-dir /data steelyard \
 && install -d -m 700 -o steelyard -g steelyard /data
ENV PATH=/opt/steelyard/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STEELYARD_DATA_DIR=/data \
    STEELYARD_HOST=0.0.0.0
USER steelyard
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, ssl, urllib.request as u; u.urlopen('http' + 's' * bool(os.environ.get('STEELYARD_TLS_CERT')) + '://127.0.0.1:' + os.environ.get('STEELYARD_PORT', '8000') + '/healthz', timeout=4, context=ssl._create_unverified_context())"]
ENTRYPOINT ["steelyard"]
CMD ["up"]
