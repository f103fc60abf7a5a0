FROM node:20-bookworm-slim AS site
WORKDIR /src/client-sdk
COPY client-sdk/package.json client-sdk/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY client-sdk ./
RUN npm run build

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY migrations migrations
COPY src src
# The page is part of the binary.
COPY --from=site /src/client-sdk/dist/site client-sdk/dist/site
RUN cargo build --release --locked --bin belfry

FROM debian:bookworm-slim
RUN useradd --system --create-home --home-dir /var/lib/belfry belfry
COPY --from=build /src/target/release/belfry /usr/local/bin/belfry
USER belfry
WORKDIR /var/lib/belfry
ENV BELFRY_LISTEN=0.0.0.0:8080 BELFRY_METRICS_LISTEN=0.0.0.0:9090 BELFRY_DATA=/var/lib/belfry/data
EXPOSE 8080 9090
ENTRYPOINT ["belfry"]
CMD ["serve"]
