/** The same step in torch, in a process of its own that takes one whenever it is asked to. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ArmTraining } from './training.js';
import type { Shape } from './shape.js';

export interface TorchPeer extends ArmTraining {
  /** Ends the process; its peak resident bytes. */
  end(): Promise<number>;
}

/** `method`: lora or loran, as PEFT and the authors compute them. */
export function torchPeer(python: string, method: string, dropout: number, shape: Shape, threads: number): TorchPeer {
  const script = fileURLToPath(new URL('torch_peer.py', import.meta.url));
  const plan = JSON.stringify({ ...shape, method, dropout, threads });
  const child = spawn(python, [script, plan], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<[number, number]> => {
    child.stdin.write(`${question}\n`);
    const answer: IteratorResult<string, unknown> = await lines.next();
    if (answer.done === true) throw new Error(`${python} ended before it answered '${question}'.`);
    const [first = NaN, second = NaN] = answer.value.split(' ').map(Number);
    return [first, second];
  };
  return {
    async step() {
      const [wall, processor] = await ask('step');
      return { wall, processor };
    },
    async end() {
      const [peak] = await ask('end');
      if (child.exitCode === null) await once(child, 'exit');
      return peak;
    },
  };
}
