# Postern as an image: build with `docker build -t postern .`, run with the mesh's folder mounted at /etc/postern.
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json bundle.mjs ./
COPY proto proto
COPY src src
RUN npm run build

FROM ${BASE}
ENV NODE_ENV=production \
    POSTERN_STATE=/var/lib/postern
WORKDIR /opt/postern
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
 && npm cache clean --force \
 && ln -s /opt/postern/dist/src/main.js /usr/local/bin/postern \
 && install -d -m 0700 -o 65532 -g 65532 /var/lib/postern
COPY --from=build --chmod=0755 /src/dist dist
COPY LICENSE ./

# A number, so that Kubernetes can see that it is not root. The control plane's own CA lives in the volume.
USER 65532:65532
VOLUME /var/lib/postern
EXPOSE 18000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["postern", "status"]
ENTRYPOINT ["postern"]
# xDS is mutual TLS only, so it may listen to the network; the admin port stays on the container's loopback.
CMD ["run", "-f", "/etc/postern/mesh.yaml", "--xds", "0.0.0.0:18000"]
