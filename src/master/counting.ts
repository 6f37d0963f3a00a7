/**
 * Which files count for a process: the modules and reads that it tells of, and what decides how it runs without it loading
 * them (env files, package.json, the installation of its packages, what `include` means).
 */
import { dirname, join } from 'node:path';
import { ABSENT } from '../protocol/digest.ts';
import type { Report } from '../protocol/workerMessages.ts';
import type { GroupDefinition } from './definitions.ts';
import type { Facts } from './facts.ts';
import type { Disk, Origin, ProcessFiles } from './files.ts';
import type { Glob } from './globs.ts';
import { Includes } from './includes.ts';
import { installationOf, packageFoldersFor, packageOf } from './installation.ts';
import { configFilesOf, nearestManifest, type Environment, type Program } from './launch.ts';
import { allFiles } from './meaning.ts';

export interface CountingParts {
  readonly facts: Facts;
  readonly disk: Disk;
  readonly watch: (file: string) => void;
  readonly watchGlobs: (globs: readonly Glob[]) => void;
}

export class Counting {
  private readonly parts: CountingParts;
  private readonly includes: Includes;
  /** Folders from which a process has loaded something. */
  private readonly folders = new WeakMap<ProcessFiles, Set<string>>();

  constructor(parts: CountingParts) {
    this.parts = parts;
    this.includes = new Includes(parts.disk);
  }

  /** A process begins to boot that will run the entry. */
  began(files: ProcessFiles, program: Program, environment: Environment): void {
    files.takeEnvironment(environment);
    for (const file of environment.files.keys()) this.parts.watch(file);
    this.countNow(files, configFilesOf({ ...program, env: environment.env }), 'config');
  }

  /** A worker has taken the process, whose entry will run next. */
  taken(files: ProcessFiles, group: GroupDefinition): void {
    this.includes.countFor(files, group);
    this.parts.watchGlobs(group.include);
  }

  take(files: ProcessFiles, report: Report): void {
    const { facts, watch } = this.parts;
    switch (report.r) {
      case 'load':
        files.add(report);
        watch(report.file);
        this.countManifest(files, dirname(report.file));
        return;
      case 'read':
        // Another process of the server writes it.
        if (facts.written.has(report.file)) return;
        files.add(report);
        watch(report.file);
        return;
      case 'write':
        files.add(report);
        facts.written.add(report.file);
        for (const others of allFiles(facts)) others.forgetRead(report.file);
        return;
      case 'missing':
        files.add(report);
        if (report.near !== null) watch(report.near);
        else if (report.parent !== null) this.awaitPackage(files, report.specifier, report.parent);
        return;
      case 'packages':
        this.countNow(files, installationOf(report.folder), 'packages');
        return;
      case 'list':
      case 'edge':
      case 'cold':
      case 'error':
      case 'exiting':
        files.add(report);
        return;
    }
  }

  /** Node reads it by itself: what kind of module a file is, and which file a package or an import of its own means. */
  private countManifest(files: ProcessFiles, folder: string): void {
    const known = this.folders.get(files) ?? new Set();
    this.folders.set(files, known);
    if (known.has(folder)) return;
    known.add(folder);
    const manifest = nearestManifest(folder);
    if (manifest !== undefined && !files.loaded.has(manifest)) this.countNow(files, [manifest], 'config');
  }

  /** Whoever installs it puts it there, and then notes it down. */
  private awaitPackage(files: ProcessFiles, specifier: string, parent: string): void {
    const name = packageOf(specifier);
    if (name === undefined) return;
    for (const folder of packageFoldersFor(parent)) {
      const near = join(folder, name, 'package.json');
      files.missing.add(near);
      this.parts.watch(near);
      this.countNow(files, installationOf(folder), 'packages');
    }
  }

  /** An older content than the process finds costs a reload at worst. */
  private countNow(files: ProcessFiles, paths: readonly string[], origin: Origin): void {
    const { disk, watch } = this.parts;
    for (const path of paths) {
      const digest = disk.digest(path) ?? disk.lookNow(path);
      if (digest !== null) files.count(path, digest, origin);
      else if (origin === 'packages') files.count(path, ABSENT, origin);
      watch(path);
    }
  }
}
