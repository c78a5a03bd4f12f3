# One image for `verdict migrate`, `verdict serve` and `verdict work`. It contains no database; docker-compose.yml adds one.

FROM swift:6.3-bookworm AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      libpq-dev libsimdjson-dev libzstd-dev pkg-config python3-pip zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Fetches the page at /docs and verifies its hash. Without access to the package registry, the page only refers to openapi.yaml.
RUN scripts/lib/fetch-swagger-ui || true
# The cache keeps the compiled packages between builds of the image. The contract, the migrations and the documentation page are
# compiled in, so the executable is the only result of this stage.
RUN --mount=type=cache,id=verdict-build,target=/src/.build,sharing=locked \
    swift build -c release --product verdict -Xswiftc -static-stdlib \
 && strip --strip-debug -o /verdict "$(swift build -c release -Xswiftc -static-stdlib --show-bin-path)/verdict"

FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libpq5 libsimdjson14 libstdc++6 libzstd1 tzdata zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin verdict
COPY --from=build /verdict /usr/local/bin/verdict
USER verdict
ENV VERDICT_HOST=0.0.0.0 VERDICT_PORT=8080
EXPOSE 8080
# No HEALTHCHECK, because only `serve` has an endpoint to check; docker-compose.yml configures it.
ENTRYPOINT ["/usr/local/bin/verdict"]
CMD ["serve", "--workers", "0"]
