/** What the harness of the process tests wants to have done when all is over. */
export class Ends {
  private readonly all: (() => unknown)[] = [];

  readonly after = (end: unknown): void => void this.all.push(end as () => unknown);

  async run(): Promise<void> {
    for (const end of this.all) await end();
  }
}
