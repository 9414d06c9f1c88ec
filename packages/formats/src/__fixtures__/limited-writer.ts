/** A process that saves 4 MiB over a file and prints the error it meets: `limited-writer.ts PATH`. */
import { writeSafetensors } from '../safetensors/write-safetensors.js';
import { TensorFileError } from '../tensor-file-error.js';

const path = process.argv[2]!;
try {
  await writeSafetensors(path, [['weight', { dtype: 'U8', shape: [4 << 20], data: new Uint8Array(4 << 20) }]]);
  process.stdout.write('"written"');
} catch (error) {
  if (!(error instanceof TensorFileError)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
}
