/**
 * A rehearsal: everything happens but the computing. Graphs are built, planned and counted; no runtime is loaded, no value is
 * kept, and what is read is all ones.
 *
 * So the memory of a training is known before any of it is taken: see RunRecord.arenaBytes.
 */
import type { BackendValues, DataId } from '@tensorflow/tfjs-core';
import { Entry } from '../graph/node.js';
import type { Command } from '../worker/protocol.js';
import type { Link, Reply, WorkerLinkOptions } from '../worker/worker-link.js';
import { OnnxruntimeBackend } from './onnxruntime-backend.js';
import type { BackendSettings } from './settings.js';

/** A line to nobody: each run is reported as done. */
class RehearsalLink implements Link {
  onReport: WorkerLinkOptions['onReport'] = () => undefined;

  send(command: Command): void {
    if (command.kind === 'run') this.onReport({ kind: 'ran', run: command.run, milliseconds: 0 });
  }

  post(): void {
    // Nothing waits.
  }

  recover(): void {
    // No run fails.
  }

  waitUntil(): void {
    // Everything is done.
  }

  request(): Promise<Reply> {
    return Promise.resolve(this.requestSync());
  }

  requestSync(): Reply {
    return { kind: 'reply', request: 0, result: null };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class RehearsalBackend extends OnnxruntimeBackend {
  override read(dataId: DataId): Promise<BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  override readSync(dataId: DataId): BackendValues {
    if (!(dataId instanceof Entry) || dataId.values !== null) return super.readSync(dataId);
    if (dataId.node !== null) this.schedule();
    const size = dataId.shape.reduce((product, length) => product * length, 1);
    switch (dataId.dtype) {
      case 'int32':
        return new Int32Array(size).fill(1);
      case 'bool':
        return new Uint8Array(size).fill(1);
      default:
        return new Float32Array(size).fill(1);
    }
  }
}

export function rehearsal(settings: BackendSettings): { readonly link: Link; readonly backend: OnnxruntimeBackend } {
  const link = new RehearsalLink();
  const backend = new RehearsalBackend(link, settings);
  link.onReport = (report) => {
    backend.runs.onReport(report);
  };
  return { link, backend };
}
