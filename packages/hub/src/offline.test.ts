/** The cache without the hub: asked for, or because the hub can't be reached. */
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { useHub } from './__fixtures__/hub.js';
import { model, modelPaths } from './__fixtures__/sample-model.js';
import { connect } from './hub-options.js';
import { downloadModel, downloadSnapshot, listRepository } from './index.js';
import { filesOf } from './repository-files.js';
import { repositoryFrom } from './repository.js';

const hub = useHub();

describe('offline', () => {
  test('what was fetched is found, and nobody is asked', async () => {
    hub.server.add('org/tiny', model);
    const online = await downloadModel('org/tiny', hub.options);
    hub.server.asked.length = 0;
    expect(await downloadModel('org/tiny', { ...hub.options, offline: true })).toEqual(online);
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect(await downloadModel(`org/tiny@${online.revision}`, hub.options)).toEqual(online);
    const listed = await listRepository({ repo: 'org/tiny', ...hub.options });
    expect(listed.files.map(({ path: file }) => file)).toEqual(modelPaths);
    expect(hub.server.asked).toEqual([]);
  });

  test('another model: the error lists what the cache has', async () => {
    await expect(downloadModel('org/other', { ...hub.options, offline: true })).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
      message: expect.stringContaining('which has nothing'),
    });
    hub.server.add('org/tiny', model);
    hub.server.add('datasets/org/rows', { 'a.parquet': 'x' });
    await downloadModel('org/tiny', hub.options);
    await downloadSnapshot({ repo: 'org/rows', type: 'dataset', ...hub.options });
    await expect(downloadModel('org/other', { ...hub.options, offline: true })).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
      message: expect.stringMatching(/org\/other at revision main .* which has dataset org\/rows, model org\/tiny/),
    });
    await expect(downloadModel('org/tiny@v2', { ...hub.options, offline: true })).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
      message: expect.stringContaining('org/tiny at revision v2'),
    });
  });

  test('files that were not fetched, blobs that are gone, shards that are missing', async () => {
    const index = JSON.stringify({ weight_map: { a: 'model-1-of-2.safetensors', b: 'model-2-of-2.safetensors' } });
    hub.server.add('org/sharded', {
      'config.json': '{}',
      'model.safetensors.index.json': index,
      'model-1-of-2.safetensors': 'one',
      'model-2-of-2.safetensors': 'two',
    });
    const { folder } = await downloadModel('org/sharded', hub.options);
    const offline = { ...hub.options, offline: true };
    await expect(downloadModel('org/sharded', { ...offline, files: ['*.gguf'] })).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
      message: expect.stringContaining('matches "*.gguf"'),
    });
    await rm(path.join(folder, 'model-2-of-2.safetensors'));
    await expect(downloadModel('org/sharded', offline)).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
      message: expect.stringContaining('model-2-of-2.safetensors is missing'),
    });
  });

  test('a download that failed does not count', async () => {
    hub.server.add('org/tiny', model);
    hub.server.faults.push({ path: 'model.safetensors', cut: 100 });
    await expect(downloadModel('org/tiny', { ...hub.options, attempts: 1 })).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
    });
    await expect(downloadModel('org/tiny', { ...hub.options, offline: true })).rejects.toMatchObject({
      code: 'HUB_OFFLINE',
    });
  });
});

describe('a hub that cannot be reached', () => {
  const nobody = { endpoint: 'http://127.0.0.1:9' }; // refused at once
  test('names the host and the cause, and the copy that may be used', async () => {
    hub.server.add('org/tiny', model);
    const failed = () => downloadModel('org/tiny', { ...hub.options, ...nobody });
    await expect(failed()).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringMatching(
        /127\.0\.0\.1:9 cannot be reached: .*(bad port|ECONNREFUSED).* org\/tiny is not in the cache/,
      ),
    });
    const { revision } = await downloadModel('org/tiny', hub.options);
    await expect(failed()).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringContaining(
        `The cache has org/tiny at commit ${revision.slice(0, 12)}: to use that, ask offline`,
      ),
    });
  });

  test.each(['<html>', 'null', '{}', '[null]', '{"sha":"main"}', '"text"'])(
    'one that answers %s is no hub',
    async (answer) => {
      const server = createServer((_, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end(answer),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const endpoint = `http://127.0.0.1:${port}`;
      const expected = { code: 'HUB_RESPONSE', message: expect.stringContaining('Check HF_ENDPOINT') };
      await expect(downloadModel('org/tiny', { ...hub.options, endpoint })).rejects.toMatchObject(expected);
      await expect(
        filesOf(repositoryFrom('org/tiny', 'model', 'main'), 'main', connect({ endpoint })),
      ).rejects.toMatchObject(expected);
      server.close();
    },
  );
});
