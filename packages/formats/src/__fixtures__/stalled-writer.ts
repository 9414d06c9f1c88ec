/** A process that saves over a file and stops half-way, to be killed: `stalled-writer.ts PATH`. */
import { writeSafetensors } from '../safetensors/write-safetensors.js';

const path = process.argv[2]!;
const megabyte = new Uint8Array(1 << 20).fill(7);

await writeSafetensors(path, [
  [
    'weight',
    {
      dtype: 'U8',
      shape: [8 << 20],
      async *chunks() {
        for (let i = 0; i < 4; i++) yield megabyte;
        process.stdout.write('half-way\n');
        await new Promise((resolve) => setTimeout(resolve, 60_000));
        yield megabyte;
      },
    },
  ],
]);
