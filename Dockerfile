# The gateway as a static binary in an image without a shell.
#
#   docker build -t spinegate --build-arg VERSION="$(git describe --tags --always --dirty)" .
#   docker run --rm -p 127.0.0.1:50051:50051 spinegate sandbox --listen 0.0.0.0:50051
#
# The sandbox hands out tokens within the container alone. From the host, call with the one that it printed:
#
#   SPINEGATE_TOKEN=eyJ... spinegate trace 9990000018
#
# In front of the Spine:
#
#   docker run --rm -p 50051:50051 -v ./config:/etc/spinegate:ro -v spinegate:/var/lib/spinegate \
#     spinegate serve --config /etc/spinegate/spinegate.yaml
#
# The build needs a Go module proxy and nothing else.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY gen/go/go.mod gen/go/go.sum gen/go/
RUN go mod download
COPY . .
# What `server version` says, and practices are told. The revision is not in the context of the build.
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.builtAs=${VERSION}" -o /out/server ./cmd/server \
 && mkdir -p /out/data /out/tmp

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/server /server
# The audit trail and the journal live here: mount a volume. The sandbox keeps its own below /tmp.
COPY --from=build --chown=nonroot:nonroot /out/data /var/lib/spinegate
COPY --from=build --chown=nonroot:nonroot --chmod=1777 /out/tmp /tmp
COPY LICENSE /LICENSE
EXPOSE 50051
STOPSIGNAL SIGTERM
ENTRYPOINT ["/server"]
CMD ["--help"]
