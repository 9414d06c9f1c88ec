/** Downloads that are cut, lied to, stopped, and taken up again. */
import { createHash } from 'node:crypto';
import { fork } from 'node:child_process';
import { mkdir, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { useHub } from './__fixtures__/hub.js';
import { weights } from './__fixtures__/sample-model.js';
import { downloadModel } from './index.js';

const hub = useHub();
const file = 'model.safetensors';
const size = weights.length;
const hash = createHash('sha256').update(weights).digest('hex');

const blobs = () => path.join(hub.cacheFolder, 'models--org--tiny', 'blobs');
const add = () => hub.server.add('org/tiny', { [file]: weights });
const fetchIt = (options: object = {}) => downloadModel('org/tiny', { ...hub.options, ...options });
/** The file is there, right, and nothing else is. */
async function expectWhole(): Promise<void> {
  expect(await readdir(blobs())).toEqual([hash]);
  expect((await readFile(path.join(blobs(), hash))).equals(weights)).toBe(true);
}

describe('a connection that is cut', () => {
  test('several times in one file goes on where it was', async () => {
    add();
    hub.server.faults.push(...[500_000, 700_000, 1, 900_000].map((cut) => ({ path: file, cut })));
    await fetchIt();
    await expectWhole();
    const ranges = hub.server.rangesOf(file);
    expect(ranges).toHaveLength(5);
    expect(ranges[0]).toBeUndefined();
    const starts = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range!)![1]));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    // What had come but was not read when the connection went is lost with it: at most some tens of kilobytes.
    expect(starts.at(-1)).toBeGreaterThan(1_700_000);
    expect(starts.at(-1)).toBeLessThanOrEqual(2_100_001);
  });

  test('in a small file, and while the listing is asked for', async () => {
    hub.server.add('org/tiny', { [file]: 'x', 'config.json': '{"a":1}' });
    hub.server.faults.push({ path: 'config.json', cut: 3 }, { path: 'config.json', cut: 0 });
    const { folder } = await fetchIt();
    expect(await readFile(path.join(folder, 'config.json'), 'utf8')).toBe('{"a":1}');
  });

  test('always gives up, keeps what came, and the next call needs only the rest', async () => {
    add();
    hub.server.faults.push(...[800_000, 10, 10, 10].map((cut) => ({ path: file, cut })));
    await expect(fetchIt({ attempts: 3 })).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ cannot be reached: .* org\/tiny is not in the cache/),
    });
    expect(await readdir(blobs())).toEqual([`${hash}.incomplete`]);
    hub.server.faults.length = 0;
    const events: number[] = [];
    await fetchIt({ onProgress: ({ loadedBytes }: { loadedBytes: number }) => events.push(loadedBytes) });
    await expectWhole();
    expect(events[0]).toBeGreaterThan(600_000);
    expect(hub.server.rangesOf(file).at(-1)).toBe(`bytes=${events[0]!}-`);
  });

  test('by a busy server is tried again', async () => {
    add();
    hub.server.faults.push(...[503, 429, 403].map((status) => ({ path: file, status }))); // 403: an address that grew old
    await fetchIt();
    await expectWhole();
  });
});

describe('a server that lies', () => {
  test('about the content, once: fetched again from the first byte on', async () => {
    add();
    hub.server.faults.push({ path: file, corrupt: true });
    await fetchIt();
    await expectWhole();
    expect(hub.server.rangesOf(file)).toEqual([undefined, undefined]);
  });

  test('about the content, always: nothing is put in place', async () => {
    add();
    hub.server.faults.push({ path: file, corrupt: true }, { path: file, corrupt: true });
    await expect(fetchIt()).rejects.toMatchObject({
      code: 'HUB_CHECKSUM',
      message: expect.stringContaining(`expected ${hash}`),
    });
    expect(await readdir(blobs())).toEqual([]);
  });

  test('about the content of a small file', async () => {
    hub.server.add('org/tiny', { [file]: 'x', 'config.json': '{"a":1}' });
    hub.server.faults.push({ path: 'config.json', corrupt: true }, { path: 'config.json', corrupt: true });
    await expect(fetchIt()).rejects.toMatchObject({
      code: 'HUB_CHECKSUM',
      message: expect.stringContaining('git hash'),
    });
  });

  test.each([
    ['too long a length', { length: size + 1000 }],
    ['too short a length', { length: 1000 }],
    ['a range that was not asked for', { shiftRange: 17 }],
    ['the whole where a range was asked for', { ignoreRange: true }],
  ])('%s', async (_, fault) => {
    add();
    hub.server.faults.push({ path: file, cut: 400_000 }, { path: file, ...fault });
    await fetchIt();
    await expectWhole();
  });

  test('more than the size that it gave', async () => {
    add();
    hub.server.faults.push({ path: file, more: 5 });
    await expect(fetchIt()).rejects.toMatchObject({
      code: 'HUB_CHECKSUM',
      message: expect.stringContaining(`more than the ${size}`),
    });
    expect(await readdir(blobs())).toEqual([]);
  });
});

describe('what an earlier download left', () => {
  test.each([
    ['its beginning', () => weights.subarray(0, 1_000_000), ['bytes=1000000-']],
    ['all of it', () => weights, []],
    ['other bytes', () => Buffer.alloc(1_000_000), ['bytes=1000000-', undefined]],
    ['too much', () => Buffer.concat([weights, weights]), [undefined]],
  ])('%s', async (_, content, ranges) => {
    add();
    await mkdir(blobs(), { recursive: true });
    await writeFile(path.join(blobs(), `${hash}.incomplete`), content());
    await fetchIt();
    await expectWhole();
    expect(hub.server.rangesOf(file)).toEqual(ranges);
  });

  test('a blob that was cut short is fetched again', async () => {
    add();
    await fetchIt();
    await truncate(path.join(blobs(), hash), 10);
    await fetchIt();
    await expectWhole();
  });
});

describe('a slow server', () => {
  test('that falls silent counts as cut', async () => {
    add();
    hub.server.faults.push({ path: file, stall: 600_000 });
    await fetchIt({ timeoutMs: 200 });
    await expectWhole();
    expect(hub.server.rangesOf(file)).toEqual([undefined, 'bytes=600000-']);
  });

  test('is left when the user stops; the part stays for later', async () => {
    add();
    hub.server.faults.push({ path: file, stall: 600_000 });
    const stop = new AbortController();
    const reason = new Error('stopped by hand');
    const onProgress = ({ loadedBytes }: { loadedBytes: number }) => {
      if (loadedBytes === 600_000) stop.abort(reason);
    };
    await expect(fetchIt({ signal: stop.signal, onProgress })).rejects.toBe(reason);
    expect(await readdir(blobs())).toEqual([`${hash}.incomplete`]);
    await fetchIt();
    await expectWhole();
    expect(hub.server.rangesOf(file)).toEqual([undefined, 'bytes=600000-']);
  });
});

describe('two at once', () => {
  test('in one process fetch a file once', async () => {
    add();
    const [one, two] = await Promise.all([fetchIt(), fetchIt()]);
    expect(one).toEqual(two);
    await expectWhole();
    expect(hub.server.rangesOf(file)).toEqual([undefined]);
  });

  test('one killed in the middle leaves its part to the next at once', async () => {
    add();
    hub.server.faults.push({ path: file, stall: 700_000 });
    const child = fork(path.join(import.meta.dirname, '__fixtures__/download-in-process.ts'), {
      execArgv: ['--conditions=@loran/source', '--import', 'tsx'],
      env: { ...process.env, REPOSITORY: 'org/tiny', OPTIONS: JSON.stringify(hub.options) },
    });
    await new Promise<void>((resolve) => child.on('message', (bytes) => Number(bytes) === 700_000 && resolve()));
    const started = performance.now();
    const waiting = fetchIt();
    setTimeout(() => child.kill('SIGKILL'), 400);
    await waiting;
    expect(performance.now() - started).toBeGreaterThan(390); // it had waited for the other
    await expectWhole();
    expect(hub.server.rangesOf(file)).toEqual([undefined, 'bytes=700000-']);
  });

  test('a part whose writer on another machine fell silent is taken, one that is being written is waited for', async () => {
    add();
    await mkdir(blobs(), { recursive: true });
    const part = path.join(blobs(), `${hash}.00000000-1-00000000.incomplete`);
    await writeFile(part, weights.subarray(0, 900_000));
    const waiting = fetchIt();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(hub.server.rangesOf(file)).toEqual([]);
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(part, longAgo, longAgo);
    await waiting;
    await expectWhole();
    expect(hub.server.rangesOf(file)).toEqual(['bytes=900000-']);
  });
});
