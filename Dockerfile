# The executable on nothing but glibc and certificates: no shell, no package manager, not root.
# Built on the architecture it is for (linux/amd64, linux/arm64):
#   docker build -t market-data-pipeline:latest .
# It runs with a read-only root; what it keeps is in /var/lib/mdp. DATABASE_URL must be given: there
# is no place in it for the default, an SQLite file in the working directory.

FROM node:22-bookworm AS build
WORKDIR /src
# Bun as scripts/bun.sha512 pins it, and the dependencies of bun.lock: a layer of their own.
COPY scripts/toolchain.sh scripts/bun.sha512 scripts/
COPY package.json bun.lock bunfig.toml ./
RUN ["sh", "-euc", ". scripts/toolchain.sh; need_dependencies"]
COPY . .
RUN ./scripts/dev.sh build && mkdir /data

FROM gcr.io/distroless/base-nossl-debian12:nonroot
LABEL org.opencontainers.image.title="market-data-pipeline" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /src/dist/mdp /usr/local/bin/mdp
COPY --from=build --chown=65532:65532 /data /var/lib/mdp
ENV PIPELINE_HTTP_HOST=0.0.0.0 \
    PIPELINE_JOURNAL_DIR=/var/lib/mdp/journal
WORKDIR /
VOLUME ["/var/lib/mdp"]
EXPOSE 8083
USER 65532:65532
STOPSIGNAL SIGTERM
# No curl in here: the program asks itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/usr/local/bin/mdp", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/mdp"]
CMD ["run"]
