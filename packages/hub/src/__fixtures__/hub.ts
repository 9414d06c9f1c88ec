/** A server and an empty cache for each test, and no setting of this machine in between. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import { HubServer } from './hub-server.js';

export interface Hub {
  server: HubServer;
  cacheFolder: string;
  /** What each call is given. */
  options: { endpoint: string; cacheFolder: string; retryDelayMs: number };
}

/** Settings that a developer's machine may have. */
const settings = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_ENDPOINT', 'HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'];

export function useHub(): Hub {
  const hub = {} as Hub;
  beforeEach(async () => {
    for (const name of settings) vi.stubEnv(name, undefined);
    const folder = await mkdtemp(path.join(tmpdir(), 'loran-hub-'));
    for (const name of ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_TOKEN_PATH']) vi.stubEnv(name, undefined);
    vi.stubEnv('HF_HOME', folder);
    hub.server = await HubServer.start();
    hub.cacheFolder = path.join(folder, 'hub');
    hub.options = { endpoint: hub.server.endpoint, cacheFolder: hub.cacheFolder, retryDelayMs: 1 };
  });
  afterEach(async () => {
    await hub.server.stop();
    vi.unstubAllEnvs();
    await rm(path.dirname(hub.cacheFolder), { recursive: true });
  });
  return hub;
}
