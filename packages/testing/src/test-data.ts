/** Where larger test data lies: real models and data sets that no package ships. */
import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * The path of a file or folder under LORAN_TEST_DATA, or undefined where the variable is unset or nothing is there. A test
 * says what it skips:
 *
 *     const model = testData('models/all-minilm-l6-v2');
 *     test.skipIf(model === undefined)('a real model (needs LORAN_TEST_DATA)', …);
 */
export function testData(...segments: readonly string[]): string | undefined {
  const root = process.env.LORAN_TEST_DATA;
  if (root === undefined || root === '') return undefined;
  const found = path.resolve(root, ...segments);
  return existsSync(found) ? found : undefined;
}
