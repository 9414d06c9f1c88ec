/** A process that saves 4 MiB over a file and prints the error it meets: `limited-writer.ts PATH`. */
import { writeSafetensors } from '../safetensors/write-safetensors.js';

const path = process.argv[2]!;
await writeSafetensors(path, [['weight', { dtype: 'U8', shape: [4 << 20], data: new Uint8Array(4 << 20) }]]).then(
  () => console.log('written'),
  (error: Error & { code?: string }) => console.log(JSON.stringify({ code: error.code, message: error.message })),
);
