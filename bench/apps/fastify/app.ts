// A server in TypeScript, of ES modules, whose types Node strips itself.
import fastify, { type FastifyInstance } from 'fastify';

const version: string = 'v0';

const app: FastifyInstance = fastify();
app.get('/', () => version);
await app.listen({ port: Number(process.env.PORT), host: '0.0.0.0' });
