# syntax=docker/dockerfile:1

# docker build --build-arg TIDEGATE_COMMIT=$(git rev-parse --short HEAD) -t tidegate .
# docker run -p 8086:8086 -v tidegate:/var/lib/tidegate tidegate
#
# The first start prints the operator's token, once, or takes it from TIDEGATE_INIT_TOKEN. Settings:
# -e TIDEGATE_SECTION__KEY=…, or mount a file and append: serve --config /etc/tidegate.toml

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
ARG TIDEGATE_COMMIT=unknown
# Crates and objects are kept between builds; the program is copied out, as the cache is not part
# of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    TIDEGATE_COMMIT="$TIDEGATE_COMMIT" cargo build --release --locked --bin tidegate \
    && cp target/release/tidegate /usr/local/bin/tidegate

FROM debian:trixie-slim
# A fixed number, so that a folder that is mounted can be given to it: chown 10001:10001
RUN groupadd --gid 10001 tidegate \
    && useradd --uid 10001 --gid tidegate --no-create-home --home-dir /var/lib/tidegate \
        --shell /usr/sbin/nologin tidegate \
    && install --directory --owner=tidegate --group=tidegate --mode=0700 /var/lib/tidegate
COPY --from=build /usr/local/bin/tidegate /usr/local/bin/tidegate
COPY config/default.toml /usr/share/doc/tidegate/
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/tidegate/

ENV TIDEGATE_SERVER__LISTEN=0.0.0.0:8086 \
    TIDEGATE_STORAGE__DATA_DIR=/var/lib/tidegate
USER tidegate
WORKDIR /var/lib/tidegate
VOLUME /var/lib/tidegate
EXPOSE 8086
# SIGTERM lets requests in flight end and flushes, as far as time allows: all of it within
# server.shutdown_grace_ms (9 s), which is within Docker's 10 s.
STOPSIGNAL SIGTERM
# Whether a write would be taken. With HTTPS, set TIDEGATE_URL to the certificate's name.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5m CMD ["tidegate", "ping"]
ENTRYPOINT ["tidegate"]
CMD ["serve"]
