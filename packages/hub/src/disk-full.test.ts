/** A disk that fills up while a file is written: the file system is replaced where it is written through. */
import type * as FileSystem from 'node:fs/promises';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { useHub } from './__fixtures__/hub.js';
import { weights } from './__fixtures__/sample-model.js';
import { downloadModel } from './index.js';

const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY, told: 1e12, noLinks: false }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FileSystem>();
  return {
    ...real,
    statfs: () => Promise.resolve({ bsize: 1, blocks: 1e12, bavail: disk.told }),
    open: async (...parameters: Parameters<typeof FileSystem.open>) => {
      const handle = await real.open(...parameters);
      const append = handle.appendFile.bind(handle);
      handle.appendFile = async (data) => {
        disk.free -= data.length;
        if (disk.free < 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        return append(data);
      };
      return handle;
    },
    symlink: (...parameters: Parameters<typeof FileSystem.symlink>) =>
      disk.noLinks ? Promise.reject(new Error('EPERM')) : real.symlink(...parameters),
    link: (...parameters: Parameters<typeof FileSystem.link>) =>
      disk.noLinks ? Promise.reject(new Error('EPERM')) : real.link(...parameters),
  };
});

const hub = useHub();

test('says so, keeps what was written, and the next call needs only the rest', async () => {
  hub.server.add('org/tiny', { 'model.safetensors': weights });
  disk.free = 2_000_000;
  await expect(downloadModel('org/tiny', hub.options)).rejects.toMatchObject({
    code: 'HUB_DISK_FULL',
    message: expect.stringMatching(/Not enough space for .*: the disk is full\. Free some/),
  });
  const blobs = path.join(hub.cacheFolder, 'models--org--tiny/blobs');
  expect(await readdir(blobs)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.incomplete$/)]);
  disk.free = Number.POSITIVE_INFINITY;
  disk.told = 1_100_000; // enough for the rest alone
  await downloadModel('org/tiny', hub.options);
  disk.told = 1e12;
  const [whole, rest] = hub.server.rangesOf('model.safetensors');
  expect(whole).toBeUndefined();
  expect(Number(/^bytes=(\d+)-$/.exec(rest!)![1])).toBeGreaterThan(1_800_000);
});

test('what will not fit is not begun', async () => {
  hub.server.add('org/tiny', { 'model.safetensors': weights });
  disk.told = 2_999_999;
  await expect(downloadModel('org/tiny', hub.options)).rejects.toMatchObject({
    code: 'HUB_DISK_FULL',
    message: expect.stringContaining('3.0 MB are to be fetched and 3.0 MB are free'),
  });
  disk.told = 1e12;
  expect(hub.server.rangesOf('model.safetensors')).toEqual([]);
});

test('a disk without links holds copies', async () => {
  hub.server.add('org/tiny', { 'model.safetensors': weights });
  disk.noLinks = true;
  const { folder } = await downloadModel('org/tiny', hub.options);
  disk.noLinks = false;
  const [file] = await readdir(folder, { withFileTypes: true });
  expect(file!.isFile()).toBe(true);
  expect((await downloadModel('org/tiny', { ...hub.options, offline: true })).folder).toBe(folder);
  await rm(path.join(hub.cacheFolder, 'models--org--tiny/blobs'), { recursive: true });
  expect((await downloadModel('org/tiny', { ...hub.options, offline: true })).files).toEqual(['model.safetensors']);
  // As Python's library leaves it on such disks: the file in the snapshot alone.
  expect((await downloadModel('org/tiny', hub.options)).files).toEqual(['model.safetensors']);
  expect(hub.server.rangesOf('model.safetensors')).toHaveLength(1);
});
