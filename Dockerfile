# syntax=docker/dockerfile:1
# docker build -t tailrace .                                   the API alone
# docker build -t tailrace-up --build-arg EXTRAS=platform .    with an embedded Postgres, for `tailrace up`
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ARG EXTRAS=
WORKDIR /build
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src src
# The versions that were tested, without the hashes, which pip would then want of our own wheel too.
RUN sed -n 's/^\([a-z0-9][^ ;]*==[^ ;]*\).*/\1/p' requirements.lock > constraints.txt
RUN pip wheel --no-cache-dir --no-deps --wheel-dir dist .
RUN python -m venv /opt/tailrace \
    && /opt/tailrace/bin/pip install --no-cache-dir --constraint constraints.txt \
        "$(echo dist/tailrace-*.whl)${EXTRAS:+[$EXTRAS]}"

FROM python:${PYTHON}-slim
RUN useradd --system --uid 1000 --create-home --home-dir /data --shell /usr/sbin/nologin tailrace
COPY --from=build /opt/tailrace /opt/tailrace
ENV PATH=/opt/tailrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PGRST_ADMIN_SERVER_HOST=127.0.0.1 \
    PGRST_ADMIN_SERVER_PORT=3001
USER 1000
WORKDIR /data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["postgrest", "--ready"]
CMD ["postgrest"]
