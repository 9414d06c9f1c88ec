/** A repository as the hub keeps it: commits of files, each file hashed as git or LFS does. */
import { createHash, randomBytes } from 'node:crypto';

export interface StoredFile {
  readonly content: Buffer;
  readonly lfs: boolean;
}

export class StoredRepository {
  readonly name: string;
  readonly commits = new Map<string, ReadonlyMap<string, StoredFile>>();
  readonly branches = new Map<string, string>();
  gated = false;
  private = false;

  constructor(name: string) {
    this.name = name;
    this.commit('main', {});
  }

  /** Adds files to what the branch has. LFS: what ends as weights do, unless told. */
  commit(branch: string, files: Readonly<Record<string, Buffer | string | StoredFile>>): string {
    const before = this.commits.get(this.branches.get(branch) ?? '') ?? [];
    const stored = Object.entries(files).map(([path, file]): [string, StoredFile] => {
      if (typeof file === 'object' && 'lfs' in file) return [path, file];
      return [path, { content: Buffer.from(file), lfs: isLarge(path) }];
    });
    const commit = randomBytes(20).toString('hex');
    this.commits.set(commit, new Map([...before, ...stored]));
    this.branches.set(branch, commit);
    return commit;
  }

  commitOf(revision: string): string | undefined {
    if (revision === 'HEAD') return this.branches.get('main');
    return this.branches.get(revision) ?? (this.commits.has(revision) ? revision : undefined);
  }
}

export function isLarge(path: string): boolean {
  return /\.(safetensors|gguf|bin|parquet)$/.test(path);
}

export function hashes({ content }: StoredFile): { git: string; sha256: string } {
  const git = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  return { git, sha256: createHash('sha256').update(content).digest('hex') };
}
