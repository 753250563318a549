# docker build -t twim . && docker run -p 8080:8080 -v twim-data:/data --read-only --tmpfs /tmp twim
FROM debian:12-slim AS build
# The distribution's updates are wanted: no versions are pinned.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/server.txt requirements/
RUN python3 -m venv /opt/twim \
 && /opt/twim/bin/pip install --no-cache-dir --require-hashes -r requirements/server.txt
COPY . .
# The cache of plugins and the compiled modules are made here, since the file system is read-only later.
RUN /opt/twim/bin/pip install --no-cache-dir --no-deps . \
 && /opt/twim/bin/python -m compileall -q /opt/twim/lib \
 && /opt/twim/bin/python -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))" \
 && /opt/twim/bin/twistd --help > /dev/null

FROM debian:12-slim
# The distribution's updates are wanted: no versions are pinned.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin twim \
 && install --directory --owner twim --group twim --mode 0700 /data
COPY --from=build /opt/twim /opt/twim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TWIM_DATA=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["/opt/twim/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/live', timeout=4)"]
ENTRYPOINT ["/opt/twim/bin/twistd", "--nodaemon", "--pidfile=", "im"]
