/**
 * A spare answers a request of its own, over the loopback network, before there is a program: Node compiles its functions
 * when they are first called, and the first answer of the new code is not to wait for that. What Node takes types away
 * with is loaded when it first does so.
 */
import http from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { withoutWarnings } from '../platform/nodeWarnings.ts';

export class WarmUp {
  private readonly take: (server: http.Server) => void;
  private readonly onOver: () => void;
  private abort: () => void = () => undefined;
  /** Resolves when nothing of it is left. */
  over: Promise<void> = Promise.resolve();

  /** @param take does what is done with each server of a program, and keeps its address to itself */
  constructor(take: (server: http.Server) => void, onOver: () => void) {
    this.take = take;
    this.onOver = onOver;
  }

  start({ stripsTypes, listens }: { readonly stripsTypes: boolean; readonly listens: boolean }): void {
    if (stripsTypes) withoutWarnings(() => stripTypeScriptTypes('let one: 1;'));
    if (listens) this.over = this.askItself().then(this.onOver);
  }

  /** The program is to run. */
  async stop(): Promise<void> {
    this.abort();
    await this.over;
  }

  private askItself(): Promise<void> {
    const server = http.createServer((_, response) => response.end());
    this.take(server);
    return new Promise((done) => {
      let request: http.ClientRequest | undefined;
      let isOver = false;
      const end = (): void => {
        isOver = true;
        request?.destroy();
        server.close(() => done());
        server.closeAllConnections();
      };
      this.abort = end;
      // Where that is not allowed the first request takes a little longer.
      server.once('error', () => done());
      server.listen(0, '127.0.0.1', () => {
        if (isOver) server.close();
        if (isOver) return;
        const { port } = server.address() as AddressInfo;
        request = http.get({ host: '127.0.0.1', port, agent: false }, (response) => response.resume().once('end', end));
        request.on('error', end);
      });
    });
  }
}
