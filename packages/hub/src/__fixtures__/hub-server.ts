/**
 * A server on this machine that speaks the hub's protocol: commits and listings, files with ranges, large ones sent on to a second
 * server as the hub does with its storage, gated and private repositories, uploads by LFS and commits. And it fails on request.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendFile, type Fault } from './file-answer.js';
import { json, refuse, bytesOf, textOf } from './plain-answer.js';
import { hashes, isLarge, StoredRepository, type StoredFile } from './stored-repository.js';

export const accessToken = 'hf_abcdefghijklmnop';

/** A request that was answered. */
export interface Asked {
  readonly host: 'hub' | 'storage';
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly length: string | undefined;
}

type Answer = (request: IncomingMessage, response: ServerResponse, match: readonly string[]) => unknown;
type Routes = readonly (readonly [RegExp, Answer])[];

export class HubServer {
  readonly repositories = new Map<string, StoredRepository>();
  readonly asked: Asked[] = [];
  /** Consumed one by one by the answers for their paths. */
  readonly faults: Fault[] = [];
  /** Files of a listing that one page holds. */
  pageSize = 1000;
  /** Parts of this size for uploads, where it is set. */
  partSize: number | undefined;
  /** Changes a listing before it is sent. */
  listing = (entries: object[]): object[] => entries;
  readonly #storage = new Map<string, Buffer>();
  readonly #paths = new Map<string, string>();
  readonly #hub = createServer((request, response) => void this.#answer('hub', this.#hubRoutes, request, response));
  readonly #store = createServer((request, response) => void this.#answer('storage', this.#storeRoutes, request, response));

  static async start(): Promise<HubServer> {
    const server = new HubServer();
    await Promise.all([listening(server.#hub), listening(server.#store)]);
    return server;
  }

  get endpoint(): string {
    return address(this.#hub);
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** Makes a repository with one commit of files. Data sets: `datasets/organisation/name`. */
  add(name: string, files: Readonly<Record<string, Buffer | string>>): StoredRepository {
    const repository = new StoredRepository(name);
    repository.commit('main', files);
    this.repositories.set(name, repository);
    return repository;
  }

  /** Ranges asked for of a file, in order; undefined for the whole. */
  rangesOf(path: string): (string | undefined)[] {
    return this.asked
      .filter((asked) => asked.method === 'GET' && (asked.path.endsWith(`/${path}`) || this.#paths.get(asked.path) === path))
      .filter(({ path: asked, host }) => host === 'storage' || !isLarge(asked))
      .map(({ range }) => range);
  }

  readonly #hubRoutes: Routes = [
    [/^GET \/api\/whoami-v2$/, (_, response) => json(response, 200, { type: 'user', name: 'ada', auth: {}, orgs: [] })],
    [/^POST \/api\/repos\/create$/, (request, response) => this.#create(request, response)],
    [/^GET \/api\/(\w+)\/([^/]+\/?[^/]*)\/revision\/([^/]+)$/, (request, response, match) => {
      const found = this.#find(request, response, match);
      if (found === undefined) return;
      const { repository, commit } = found;
      const { name, gated } = repository;
      json(response, 200, { _id: 'x', id: name, sha: commit, private: repository.private, gated, downloads: 0, likes: 0 });
    }],
    [/^GET \/api\/(\w+)\/([^/]+\/?[^/]*)\/tree\/([^/]+)$/, (request, response, match) => this.#list(request, response, match)],
    [/^POST \/api\/(\w+)\/([^/]+\/?[^/]*)\/preupload\/([^/]+)$/, async (request, response, match) => {
      if (this.#find(request, response, match) === undefined) return;
      const { files } = JSON.parse(await textOf(request)) as { files: { path: string; size: number }[] };
      json(response, 200, { files: files.map(({ path }) => ({ path, uploadMode: isLarge(path) ? 'lfs' : 'regular' })) });
    }],
    [/^POST \/api\/(\w+)\/([^/]+\/?[^/]*)\/commit\/([^/]+)$/, (request, response, match) => this.#commit(request, response, match)],
    [/^POST \/.+\.git\/info\/lfs\/objects\/batch$/, (request, response) => this.#batch(request, response)],
    [/^(?:GET|HEAD) \/(?:(datasets)\/)?([^/]+\/?[^/]*)\/resolve\/([^/]+)\/(.+)$/, (request, response, match) => this.#resolve(request, response, match)],
  ];

  readonly #storeRoutes: Routes = [
    [/^(?:GET|HEAD) \/files\/(\w+)$/, (request, response, [hash = '']) => {
      const path = this.#paths.get(`/files/${hash}`);
      sendFile(request, response, this.#storage.get(hash)!, hash, this.#fault(path));
    }],
    [/^PUT \/uploads\/(\w+)(?:\/(\d+))?$/, async (request, response, [hash = '', part = '']) => {
      const body = await bytesOf(request);
      const fault = this.#fault(`upload ${part}`.trim());
      this.#storage.set(part === '' ? hash : `${hash}/${part}`, body);
      response.writeHead(fault?.status ?? 200, { etag: `"${body.length}"` }).end();
    }],
    [/^POST \/complete\/(\w+)$/, async (request, response, [hash = '']) => {
      const { parts } = JSON.parse(await textOf(request)) as { parts: { partNumber: number }[] };
      this.#storage.set(hash, Buffer.concat(parts.map(({ partNumber }) => this.#storage.get(`${hash}/${partNumber}`)!)));
      json(response, 200, {});
    }],
  ];

  async #answer(host: Asked['host'], routes: Routes, request: IncomingMessage, response: ServerResponse) {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    const { range, authorization } = request.headers;
    const method = request.method ?? '';
    this.asked.push({ host, method, path: decodeURIComponent(pathname), range, authorization, length: request.headers['content-length'] });
    for (const [pattern, answer] of routes) {
      const match = pattern.exec(`${method} ${pathname}`);
      if (match === null) continue;
      try {
        await answer(request, response, match.slice(1).map((part: string | undefined) => decodeURIComponent(part ?? '')));
      } catch {
        response.destroy(); // the client went away
      }
      return;
    }
    json(response, 404, { error: 'no such address' });
  }

  #fault(path: string | undefined): Fault | undefined {
    const index = this.faults.findIndex((fault) => fault.path === path);
    return index < 0 ? undefined : this.faults.splice(index, 1)[0];
  }

  /** The repository and commit, or a refusal as the hub words it. */
  #find(request: IncomingMessage, response: ServerResponse, [type, name = '', revision = '']: readonly string[]) {
    const { authorization } = request.headers;
    if (authorization !== undefined && authorization !== `Bearer ${accessToken}`) {
      refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
      return undefined;
    }
    const repository = this.repositories.get(type === 'datasets' ? `datasets/${name}` : name);
    if (repository === undefined || (repository.private && authorization === undefined)) {
      if (authorization === undefined) refuse(response, 401, 'RepoNotFound', 'Invalid username or password.');
      else refuse(response, 404, 'RepoNotFound', 'Repository not found');
      return undefined;
    }
    const commit = repository.commitOf(revision);
    if (commit !== undefined) return { repository, commit, files: repository.commits.get(commit)! };
    refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    return undefined;
  }

  #list(request: IncomingMessage, response: ServerResponse, match: readonly string[]) {
    const found = this.#find(request, response, match);
    if (found === undefined) return;
    const url = new URL(request.url!, this.endpoint);
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const entries = [...found.files].map(([path, file]) => {
      const { git, sha256 } = hashes(file);
      const size = file.content.length;
      return { type: 'file', path, size, oid: git, ...(file.lfs ? { lfs: { oid: sha256, size, pointerSize: 130 } } : {}) };
    });
    url.searchParams.set('cursor', String(start + this.pageSize));
    if (start + this.pageSize < entries.length) response.setHeader('link', `<${url.href}>; rel="next"`);
    json(response, 200, this.listing(entries.slice(start, start + this.pageSize)));
  }

  #resolve(request: IncomingMessage, response: ServerResponse, match: readonly string[]) {
    const found = this.#find(request, response, match);
    if (found === undefined) return;
    const path = match[3]!;
    const { gated } = found.repository;
    if (gated) {
      refuse(response, request.headers.authorization === undefined ? 401 : 403, 'GatedRepo', 'Access to this model is restricted.');
      return;
    }
    const file = found.files.get(path);
    if (file === undefined) {
      refuse(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    const { git, sha256 } = hashes(file);
    response.setHeader('x-repo-commit', found.commit);
    if (!file.lfs) {
      sendFile(request, response, file.content, git, this.#fault(path));
      return;
    }
    this.#storage.set(sha256, file.content);
    this.#paths.set(`/files/${sha256}`, path);
    const location = `${address(this.#store)}/files/${sha256}`;
    response.writeHead(302, { location, 'x-linked-etag': `"${sha256}"`, 'x-linked-size': file.content.length }).end();
  }

  async #create(request: IncomingMessage, response: ServerResponse) {
    const body = JSON.parse(await textOf(request)) as { name: string; organization: string; type: string; visibility?: string };
    const name = `${body.type === 'dataset' ? 'datasets/' : ''}${body.organization}/${body.name}`;
    if (request.headers.authorization !== `Bearer ${accessToken}`) {
      refuse(response, 401, undefined, 'Unauthorized');
      return;
    }
    if (body.organization === 'others') {
      refuse(response, 403, undefined, 'You have no rights in "others"');
      return;
    }
    this.add(name, {}).private = body.visibility === 'private';
    json(response, 200, { url: `${this.endpoint}/${name}`, id: 'x' });
  }

  async #batch(request: IncomingMessage, response: ServerResponse) {
    const { objects } = JSON.parse(await textOf(request)) as { objects: { oid: string; size: number }[] };
    const store = address(this.#store);
    const answers = objects.map(({ oid, size }) => {
      if (this.#storage.has(oid)) return { oid, size };
      if (this.partSize === undefined) return { oid, size, actions: { upload: { href: `${store}/uploads/${oid}` } } };
      const parts = Array.from({ length: Math.ceil(size / this.partSize) }, (_, i) => [`${i + 1}`.padStart(5, '0'), `${store}/uploads/${oid}/${i + 1}`]);
      return { oid, size, actions: { upload: { href: `${store}/complete/${oid}`, header: { chunk_size: `${this.partSize}`, ...Object.fromEntries(parts) } } } };
    });
    json(response, 200, { transfer: 'basic', objects: answers });
  }

  async #commit(request: IncomingMessage, response: ServerResponse, match: readonly string[]) {
    const found = this.#find(request, response, match);
    if (found === undefined) return;
    const lines = (await textOf(request)).split('\n').map((line) => JSON.parse(line) as { key: string; value: Record<string, string> });
    const files = lines.flatMap(({ key, value }): [string, StoredFile][] => {
      if (key === 'file') return [[value['path']!, { content: Buffer.from(value['content']!, 'base64'), lfs: false }]];
      return key === 'lfsFile' ? [[value['path']!, { content: this.#storage.get(value['oid']!)!, lfs: true }]] : [];
    });
    if (files.some(([, { content }]) => (content as Buffer | undefined) === undefined)) {
      refuse(response, 400, undefined, 'LFS pointer pointed to a file that does not exist');
      return;
    }
    const commit = found.repository.commit(match[2]!, Object.fromEntries(files));
    json(response, 200, { commitOid: commit, commitUrl: `${this.endpoint}/${found.repository.name}/commit/${commit}`, hookOutput: '' });
  }
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}

/** Two addresses of this machine are two origins to a client. */
function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
